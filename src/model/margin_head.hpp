#pragma once
/// ArcFace (Deng et al., CVPR 2019): logits s * cos(theta + m * [target]).
#include <torch/torch.h>

#include <cstdint>

namespace fairsweep {

struct MarginHead : torch::nn::Module {
    /// Class matrix "kernel" [embedding_size, classes], N(0, 0.01) from (seed, "kernel"), normalised per column in forward.
    MarginHead(int embedding_size, int classes, double scale, std::uint64_t seed);

    /// embeddings [batch, embedding_size] (any length), labels int64 [batch] in [0, classes), margin_rad in [0, pi/2] (ramp
    /// it per step) -> logits [batch, classes] for torch::cross_entropy_loss. Where theta + m would pass pi the target logit
    /// goes on as s * (cos(theta) - m sin(m)), so it always falls with theta. Finite gradients everywhere, also at
    /// theta = 0, pi and zero vectors.
    torch::Tensor forward(const torch::Tensor& embeddings, const torch::Tensor& labels, double margin_rad);

    torch::Tensor kernel;
    const double scale;
};

}  // namespace fairsweep
