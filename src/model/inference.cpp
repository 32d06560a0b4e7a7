#include "model/inference.hpp"

#include <algorithm>

#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

/// gamma * (w * x - mean) / sqrt(var + eps) + beta, as a convolution with a bias.
void absorb_norm(Convolution& convolution) {
    const auto [factor, shift] = affine_of(*convolution.norm);
    convolution.ready_weight = convolution.weight.to(torch::kDouble) * factor.view({-1, 1, 1, 1});
    convolution.ready_bias = shift.to(convolution.compute_type);
}

void make_ready(Convolution& convolution, bool absorbs) {
    convolution.ready_bias = torch::Tensor();
    if (absorbs && convolution.norm) {
        absorb_norm(convolution);
    } else {
        convolution.ready_weight = convolution.used_weight();
    }
    convolution.ready_weight =
        convolution.ready_weight.to(convolution.compute_type).contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace

bool is_quantised(Network& network) {
    const auto layers = weighted_layers(network);
    const auto points = activation_points(network);
    return std::any_of(layers.begin(), layers.end(), [](const auto& item) { return item.second->weight_transform != nullptr; }) ||
           std::any_of(points.begin(), points.end(), [](const auto& item) { return item.second->attached() != nullptr; });
}

void prepare_for_inference(Network& network, Precision precision) {
    const bool quantised = is_quantised(network);
    if (quantised && precision != Precision::fp32)
        throw_usage({.attempted = "cannot embed in bf16",
                     .found = "a quantised network",
                     .expected = "precision fp32",
                     .hint = "bfloat16 would round the quantised values that the network simulates"});
    const torch::NoGradGuard no_grad;
    network.eval();
    set_precision(network, precision);
    for (const auto& [name, layer] : weighted_layers(network)) {
        layer->ready_weight = torch::Tensor();  // of an earlier call
        if (auto* convolution = dynamic_cast<Convolution*>(layer)) {
            make_ready(*convolution, !quantised);
        } else {
            layer->ready_weight = layer->used_weight();
        }
    }
}

}  // namespace fairsweep
