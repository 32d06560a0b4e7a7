#include "model/margin_head.hpp"

#include <cstddef>
#include <numbers>
#include <span>

#include "fairsweep/error.hpp"
#include "fairsweep/hash.hpp"
#include "fairsweep/random.hpp"
#include "model/unit.hpp"

namespace fairsweep {
namespace {

// Keeps the slope of sqrt(1 - cos^2) finite; far below what float32 can tell from theta = 0.
constexpr double kSmallestSquaredSine = 1e-7;

/// cos(theta + m), written without theta, whose slope is infinite at 0 and pi.
torch::Tensor with_arc_margin(const torch::Tensor& cosine, const torch::Tensor& margin, bool falls_to_pi) {
    const torch::Tensor sine = (1.0 - cosine * cosine).clamp_min(kSmallestSquaredSine).sqrt();
    const torch::Tensor shifted = cosine * margin.cos() - sine * margin.sin();
    if (!falls_to_pi) return shifted;
    const torch::Tensor beyond = cosine - margin * margin.sin();
    return torch::where(cosine > torch::cos(std::numbers::pi - margin), shifted, beyond);
}

}  // namespace

MarginLoss::Kind margin_kind(const std::string& name) {
    if (name == "arcface" || name == "elastic-arcface") return MarginLoss::Kind::arc;
    if (name == "cosface" || name == "elastic-cosface") return MarginLoss::Kind::cos;
    throw_usage({.attempted = "cannot train with that loss",
                 .where = "recipe.margin_loss",
                 .found = "'" + name + "'",
                 .expected = "arcface, cosface, elastic-arcface or elastic-cosface"});
}

torch::Tensor draw_margins(std::int64_t samples, double mean, double deviation, double share, std::uint64_t seed,
                           std::uint64_t key, std::uint64_t step) {
    torch::Tensor margins = torch::full({samples}, mean * share);
    if (deviation == 0.0) return margins;
    RandomStream random(seed, key, "margin", step);
    for (float& margin : std::span(margins.data_ptr<float>(), static_cast<std::size_t>(samples)))
        margin = static_cast<float>(share * (mean + deviation * random.normal()));
    return margins;
}

torch::Tensor shifted_cosine(const MarginLoss& loss, const torch::Tensor& cosine, const torch::Tensor& margin) {
    return loss.kind == MarginLoss::Kind::cos ? cosine - margin : with_arc_margin(cosine, margin, loss.falls_to_pi);
}

MarginHead::MarginHead(int embedding_size, int classes, const MarginLoss& loss_value, std::uint64_t seed) : loss(loss_value) {
    kernel = torch::empty({embedding_size, classes});
    RandomStream random(seed, sha256("kernel").prefix(), "init");
    for (float& value : std::span(kernel.data_ptr<float>(), static_cast<std::size_t>(kernel.numel())))
        value = static_cast<float>(kClassDeviation * random.normal());
    register_parameter("kernel", kernel);
}

torch::Tensor MarginHead::forward(const torch::Tensor& embeddings, const torch::Tensor& labels, const torch::Tensor& margins) {
    const torch::Tensor cosine = torch::mm(unit(embeddings, 1), unit(kernel, 0)).clamp(-1.0, 1.0);
    const torch::Tensor target = labels.unsqueeze(1), margin = margins.to(embeddings.device(), /*non_blocking=*/true).unsqueeze(1);
    const torch::Tensor target_cosine = cosine.gather(1, target);
    return cosine.scatter(1, target, shifted_cosine(loss, target_cosine, margin)) * loss.scale;
}

torch::Tensor MarginHead::forward(const torch::Tensor& embeddings, const torch::Tensor& labels, double margin) {
    return forward(embeddings, labels, torch::full({embeddings.size(0)}, margin));
}

}  // namespace fairsweep
