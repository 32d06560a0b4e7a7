#include "compress/pruning.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "compress/channel_pruning.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
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
        const torch::Tensor values = layer->weight.detach().abs().cpu().contiguous();
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

void mask_smallest_over(const std::vector<NamedLayer>& layers, double sparsity) {
    const std::vector<float> all = magnitudes(layers);
    std::vector<char> pruned = smallest(all, static_cast<std::size_t>(std::llrint(sparsity * static_cast<double>(all.size()))));
    char* begin = pruned.data();
    for (const auto& [name, layer] : layers) {
        layer->set_pruned(torch::from_blob(begin, layer->weight.sizes(), torch::kBool));
        begin += layer->weight.numel();
    }
}

void mask_smallest(const std::vector<NamedLayer>& layers, double sparsity, bool per_layer) {
    if (!per_layer) return mask_smallest_over(layers, sparsity);
    for (const NamedLayer& layer : layers) mask_smallest_over({layer}, sparsity);
}

void mask_two_of_four(const NamedLayer& named) {
    const auto& [name, layer] = named;
    const torch::Tensor& weight = layer->weight;
    const std::int64_t inputs = weight.size(1);
    if (inputs % 4 != 0) return;
    const torch::Tensor magnitude = weight.detach().abs().cpu().contiguous();
    if (!torch::isfinite(magnitude).all().item<bool>()) throw NonFiniteError(name, "weight to be pruned");
    const torch::Tensor fours = magnitude.reshape({weight.size(0), inputs / 4, 4, -1});
    const torch::Tensor smallest_two =
        std::get<1>(torch::sort(fours, /*stable=*/true, /*dim=*/2, /*descending=*/false)).slice(2, 0, 2);
    const torch::Tensor pruned = torch::zeros(fours.sizes(), torch::kBool).scatter(2, smallest_two, true);
    layer->set_pruned(pruned.reshape(weight.sizes()));
}

[[noreturn]] void refuse_pruning(const std::string& where, const std::string& found, const std::string& expected) {
    throw_usage({.attempted = "prune a network", .where = where, .found = found, .expected = expected});
}

std::int64_t count_zeros(const torch::Tensor& values) {
    return values.numel() - torch::count_nonzero(values).item<std::int64_t>();
}

}  // namespace

PruningRule pruning_rule(const std::string& pattern, const std::string& scope) {
    using Pattern = PruningRule::Pattern;
    const bool known =
        (pattern == "unstructured" || pattern == "2:4" || pattern == "channels") && (scope == "global" || scope == "layer");
    if (!known)
        refuse_pruning("recipe.sparsity_pattern, recipe.sparsity_scope", pattern + ", " + scope,
                       "unstructured, 2:4 or channels; global or layer");
    const Pattern word = pattern == "2:4"        ? Pattern::two_of_four
                         : pattern == "channels" ? Pattern::channels
                                                 : Pattern::unstructured;
    return {word, scope == "layer"};
}

void prune_by_magnitude(torch::nn::Module& network, double sparsity, const PruningRule& rule) {
    if (!(sparsity >= 0.0 && sparsity < 1.0))
        refuse_pruning("sparsity", exact_number(sparsity), "the share of zero weights, in [0, 1)");
    if (sparsity == 0.0) return;
    const torch::NoGradGuard no_grad;
    const auto layers = prunable_layers(network);
    switch (rule.pattern) {
        case PruningRule::Pattern::unstructured:
            mask_smallest(layers, sparsity, rule.per_layer);
            break;
        case PruningRule::Pattern::two_of_four:
            if (sparsity != 0.5) refuse_pruning("sparsity", exact_number(sparsity), "0.5 with the pattern 2:4");
            for (const NamedLayer& layer : layers) mask_two_of_four(layer);
            break;
        case PruningRule::Pattern::channels: {
            auto* whole = dynamic_cast<Network*>(&network);
            FAIRSWEEP_CHECK(whole != nullptr, "channels are pruned over a whole network");
            mask_channels(*whole, sparsity, rule.per_layer);
            break;
        }
    }
    // A ranking over the network can empty a layer of small weights: the network is dead then, which is a result, but say so.
    for (const auto& [name, layer] : layers) {
        if (!layer->weight_pruned.defined() || !layer->weight_pruned.all().item<bool>()) continue;
        const bool is_new = layer->weight.ne(0.0).any().item<bool>();  // masks that grow get here again
        if (is_new) log_warning("pruning leaves no weight in " + name);
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
