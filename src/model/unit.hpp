#pragma once
/// Vectors of length 1.
#include <torch/torch.h>

namespace fairsweep {

inline constexpr double kSmallestNorm = 1e-12;  ///< shorter ones are divided by this, as torch.nn.functional.normalize does

/// x over its L2 norms along a dimension.
[[nodiscard]] inline torch::Tensor unit(const torch::Tensor& x, int dimension = 1) {
    return torch::nn::functional::normalize(x, torch::nn::functional::NormalizeFuncOptions().p(2).dim(dimension).eps(kSmallestNorm));
}

}  // namespace fairsweep
