#pragma once
/// The reference's fine-tuning loss.
#include <torch/torch.h>

namespace fairsweep {

/// scale * mean over batch and dimensions of (unit(student) - unit(teacher))^2, unit(x) = x / max(|x|, 1e-12); both
/// [batch, dimensions] of any length (cached unit teachers pass unchanged up to rounding). 0-dimensional result, no
/// gradient to the teacher. scale = dimensions gives 2 - 2 cos.
[[nodiscard]] inline torch::Tensor embedding_loss(const torch::Tensor& student, const torch::Tensor& teacher, double scale) {
    namespace functional = torch::nn::functional;
    const auto unit = functional::NormalizeFuncOptions().p(2).dim(1).eps(1e-12);
    return torch::mse_loss(functional::normalize(student, unit), functional::normalize(teacher.detach(), unit)) * scale;
}

}  // namespace fairsweep
