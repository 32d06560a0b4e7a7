#include "model/margin_head.hpp"

#include <cmath>
#include <numbers>
#include <span>

#include "fairsweep/hash.hpp"
#include "fairsweep/random.hpp"

namespace fairsweep {
namespace {

constexpr double kClassDeviation = 0.01;
constexpr double kSmallestNorm = 1e-12;
// Keeps the slope of sqrt(1 - cos^2) finite; far below what float32 can tell from theta = 0.
constexpr double kSmallestSquaredSine = 1e-7;

/// cos(theta + m), continued beyond theta = pi - m by cos(theta) - m sin(m).
torch::Tensor with_margin(const torch::Tensor& cosine, double margin_rad) {
    const torch::Tensor sine = (1.0 - cosine * cosine).clamp_min(kSmallestSquaredSine).sqrt();
    const torch::Tensor shifted = cosine * std::cos(margin_rad) - sine * std::sin(margin_rad);
    const torch::Tensor beyond = cosine - margin_rad * std::sin(margin_rad);
    return torch::where(cosine > std::cos(std::numbers::pi - margin_rad), shifted, beyond);
}

}  // namespace

MarginHead::MarginHead(int embedding_size, int classes, double scale_value, std::uint64_t seed) : scale(scale_value) {
    kernel = torch::empty({embedding_size, classes});
    RandomStream random(seed, sha256("kernel").prefix(), "init");
    for (float& value : std::span(kernel.data_ptr<float>(), static_cast<std::size_t>(kernel.numel())))
        value = static_cast<float>(kClassDeviation * random.normal());
    register_parameter("kernel", kernel);
}

torch::Tensor MarginHead::forward(const torch::Tensor& embeddings, const torch::Tensor& labels, double margin_rad) {
    namespace functional = torch::nn::functional;
    const auto unit = [](const torch::Tensor& x, int dimension) {
        return functional::normalize(x, functional::NormalizeFuncOptions().p(2).dim(dimension).eps(kSmallestNorm));
    };
    const torch::Tensor cosine = torch::mm(unit(embeddings, 1), unit(kernel, 0)).clamp(-1.0, 1.0);
    if (margin_rad == 0.0) return cosine * scale;
    const torch::Tensor target = labels.unsqueeze(1);
    return cosine.scatter(1, target, with_margin(cosine.gather(1, target), margin_rad)) * scale;
}

}  // namespace fairsweep
