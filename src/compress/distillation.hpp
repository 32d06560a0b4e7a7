#pragma once
/// The reference's fine-tuning loss.
#include <torch/torch.h>

namespace fairsweep {

/// scale * mean over batch and dimensions of (unit(student) - unit(teacher))^2, unit(x) = x / max(|x|, 1e-12); both
/// [batch, dimensions] of any length (cached unit teachers pass unchanged up to rounding). 0-dimensional result, no
/// gradient to the teacher. scale = dimensions gives 2 - 2 cos.
[[nodiscard]] torch::Tensor embedding_loss(const torch::Tensor& student, const torch::Tensor& teacher, double scale);

}  // namespace fairsweep
