#pragma once
/// Cross-entropy logits with a margin on the target, of unit embeddings and unit class vectors; theta is their angle:
///   ArcFace (Deng et al., CVPR 2019):   s cos(theta + m)
///   CosFace (Wang et al., CVPR 2018):   s (cos(theta) - m)
///   elastic (Boutros et al., CVPR Workshops 2022, arXiv 2109.09416): either with m drawn anew for every sample from
///   N(m, std)
#include <torch/torch.h>

#include <cstdint>
#include <string>

namespace fairsweep {

struct MarginLoss {
    enum class Kind { arc, cos };
    Kind kind = Kind::arc;
    double scale = 64.0;      ///< s
    bool falls_to_pi = true;  ///< see MarginHead::forward; false: as the QuantFace reference, no fallback
};

/// Kind of a job file's word: arcface, cosface, elastic-arcface, elastic-cosface. Throws a usage Error for another one.
[[nodiscard]] MarginLoss::Kind margin_kind(const std::string& name);

/// Margins of one step's samples, float32 [samples]: mean * share + deviation * share * N(0, 1) from (seed, key, "margin",
/// step), in the order of the batch. `share` in [0, 1] is the warm-up; with deviation 0 all are equal and nothing is drawn.
[[nodiscard]] torch::Tensor draw_margins(std::int64_t samples, double mean, double deviation, double share, std::uint64_t seed,
                                         std::uint64_t key, std::uint64_t step);

inline constexpr double kClassDeviation = 0.01;  ///< of the values that class vectors begin with

/// What a target's cosine becomes: cos(theta + m), or cos(theta) - m. Cosines [any] in [-1, 1], margins as many.
[[nodiscard]] torch::Tensor shifted_cosine(const MarginLoss& loss, const torch::Tensor& cosine, const torch::Tensor& margin);

struct MarginHead : torch::nn::Module {
    /// Class matrix "kernel" [embedding_size, classes], N(0, 0.01) from (seed, "kernel"), normalised per column in forward.
    MarginHead(int embedding_size, int classes, const MarginLoss& loss, std::uint64_t seed);

    /// embeddings [batch, embedding_size] (any length), labels int64 [batch] in [0, classes), margins float32 [batch] (on any device; rad
    /// for arc, below pi/2) -> logits [batch, classes] for torch::cross_entropy_loss.
    /// Where theta + m would pass pi the arc logit rises again. With falls_to_pi it goes on as s (cos(theta) - m sin(m)), so
    /// that it always falls with theta (as insightface has it). Finite gradients everywhere in both ways, also at theta = 0,
    /// pi and zero vectors, where the reference gives NaN.
    torch::Tensor forward(const torch::Tensor& embeddings, const torch::Tensor& labels, const torch::Tensor& margins);
    /// The same margin for all samples.
    torch::Tensor forward(const torch::Tensor& embeddings, const torch::Tensor& labels, double margin);

    torch::Tensor kernel;
    const MarginLoss loss;
};

}  // namespace fairsweep
