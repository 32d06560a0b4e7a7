#include "compress/pruning.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fairsweep/log.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

using NamedLayer = std::pair<std::string, WeightedLayer*>;

std::vector<NamedLayer> prunable_layers(torch::nn::Module& network) {
    auto layers = weighted_layers(network);
    std::erase_if(layers, [](const NamedLayer& layer) { return layer.second->kind == WeightedLayer::Kind::prelu; });
    return layers;
}

/// |weight| of all layers in order, each in index order whatever its memory format.
std::vector<float> magnitudes(const std::vector<NamedLayer>& layers) {
    std::vector<float> all;
    for (const auto& [name, layer] : layers) {
        const torch::Tensor values = layer->weight.detach().abs().contiguous();
        if (!torch::isfinite(values).all().item<bool>()) throw NonFiniteError(name, "weight to be pruned");
        const float* begin = values.const_data_ptr<float>();
        all.insert(all.end(), begin, begin + values.numel());
    }
    return all;
}

/// true for the `count` smallest; of equal ones those that come first.
std::vector<char> smallest(const std::vector<float>& values, std::size_t count) {
    std::vector<char> chosen(values.size(), 0);
    if (count == 0) return chosen;
    std::vector<float> ordered = values;
    const auto last = ordered.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(ordered.begin(), last, ordered.end());
    const float threshold = *last;
    std::size_t left =
        count - static_cast<std::size_t>(std::count_if(values.begin(), values.end(), [=](float v) { return v < threshold; }));
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] < threshold) {
            chosen[i] = 1;
        } else if (values[i] == threshold && left > 0) {
            chosen[i] = 1;
            --left;
        }
    }
    return chosen;
}

std::int64_t count_zeros(const torch::Tensor& values) {
    return values.numel() - torch::count_nonzero(values).item<std::int64_t>();
}

}  // namespace

void prune_by_magnitude(torch::nn::Module& network, double sparsity) {
    if (!(sparsity >= 0.0 && sparsity < 1.0)) {
        throw_usage({.attempted = "prune a network",
                     .where = "sparsity",
                     .found = exact_number(sparsity),
                     .expected = "the share of zero weights, in [0, 1)",
                     .hint = {}});
    }
    if (sparsity == 0.0) return;
    const torch::NoGradGuard no_grad;
    const auto layers = prunable_layers(network);
    const std::vector<float> all = magnitudes(layers);
    std::vector<char> pruned = smallest(all, static_cast<std::size_t>(std::llround(sparsity * static_cast<double>(all.size()))));
    char* begin = pruned.data();
    for (const auto& [name, layer] : layers) {
        layer->set_pruned(torch::from_blob(begin, layer->weight.sizes(), torch::kBool));
        begin += layer->weight.numel();
        // A global threshold can empty a layer of small weights: the network is dead then, which is a result, but say so.
        if (layer->weight_pruned.all().item<bool>()) log_warning("pruning leaves no weight in " + name);
    }
    apply_masks(network);
}

void apply_masks(torch::nn::Module& network) {
    const torch::NoGradGuard no_grad;
    for (const auto& [name, layer] : prunable_layers(network))
        if (layer->weight_pruned.defined()) layer->weight.masked_fill_(layer->weight_pruned, 0.0);
}

Sparsity measured_sparsity(torch::nn::Module& network) {
    const torch::NoGradGuard no_grad;
    Sparsity result;
    for (const auto& parameter : network.parameters()) result.parameters += parameter.numel();
    for (const auto& [name, layer] : prunable_layers(network)) {
        result.layers.push_back({name, count_zeros(layer->used_weight()), layer->weight.numel()});
        result.zeros += result.layers.back().zeros;
        result.prunable += result.layers.back().weights;
    }
    return result;
}

std::int64_t broken_mask_entries(torch::nn::Module& network) {
    const torch::NoGradGuard no_grad;
    std::int64_t broken = 0;
    for (const auto& [name, layer] : prunable_layers(network)) {
        if (!layer->weight_pruned.defined()) continue;
        const torch::Tensor nonzero = layer->weight.ne(0.0).logical_or(layer->used_weight().ne(0.0));
        broken += nonzero.logical_and(layer->weight_pruned).sum().item<std::int64_t>();
    }
    return broken;
}

}  // namespace fairsweep
