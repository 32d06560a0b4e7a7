#include "compress/channel_pruning.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compress/channel_groups.hpp"
#include "compress/non_finite_error.hpp"
#include "fairsweep/error.hpp"
#include "model/inference.hpp"

namespace fairsweep {
namespace {

using Layers = std::map<std::string, WeightedLayer*>;

Layers layers_by_name(Network& network) {
    const auto layers = weighted_layers(network);
    return {layers.begin(), layers.end()};
}

/// The slice of a tensor of the layer's weight shape, one row a channel: [channels, weights of a channel].
torch::Tensor by_channel(const torch::Tensor& tensor, const ChannelSlice& slice, int channels) {
    return slice.dimension == 0 ? tensor.reshape({channels, -1}) : tensor.transpose(0, 1).reshape({channels, -1});
}

/// Root mean square of the weights of every channel, float64 [channels].
std::vector<double> strengths(const ChannelGroup& group, const Layers& layers) {
    torch::Tensor squares = torch::zeros({group.channels}, torch::kDouble);
    std::int64_t weights = 0;
    for (const ChannelSlice& slice : group.slices) {
        const torch::Tensor rows = by_channel(layers.at(slice.layer)->weight.detach().cpu(), slice, group.channels).to(torch::kDouble);
        squares += rows.square().sum(1);
        weights += rows.size(1);
    }
    if (!torch::isfinite(squares).all().item<bool>()) throw NonFiniteError(group.name, "channels to be pruned");
    squares = (squares / static_cast<double>(weights)).sqrt();
    return {squares.const_data_ptr<double>(), squares.const_data_ptr<double>() + group.channels};
}

struct Candidate {
    double strength = 0.0;
    std::size_t group = 0;
    int channel = 0;
};

/// Takes the weakest of `candidates` until `count` are gone; no group loses its last channel. Ties: in order.
void remove_weakest(std::vector<Candidate> candidates, std::int64_t count, std::vector<std::vector<char>>& removed) {
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.strength < b.strength; });
    for (const Candidate& candidate : candidates) {
        if (count == 0) return;
        std::vector<char>& group = removed[candidate.group];
        if (std::count(group.begin(), group.end(), 0) == 1) continue;
        group[static_cast<std::size_t>(candidate.channel)] = 1;
        --count;
    }
}

/// [groups][channels], 1 is removed.
std::vector<std::vector<char>> weakest_channels(const std::vector<ChannelGroup>& groups, const Layers& layers, double share,
                                                bool per_layer) {
    std::vector<std::vector<char>> removed;
    std::vector<Candidate> all;
    const auto part_of = [share](std::size_t channels) { return std::llrint(share * static_cast<double>(channels)); };
    for (std::size_t g = 0; g < groups.size(); ++g) {
        const std::vector<double> strength = strengths(groups[g], layers);
        double mean = 0.0;
        for (const double value : strength) mean += value / static_cast<double>(strength.size());
        std::vector<Candidate> own;
        for (int c = 0; c < groups[g].channels; ++c)
            own.push_back({strength[static_cast<std::size_t>(c)] / std::max(mean, 1e-30), g, c});
        removed.emplace_back(strength.size(), 0);
        if (per_layer) remove_weakest(own, part_of(own.size()), removed);
        all.insert(all.end(), own.begin(), own.end());
    }
    if (!per_layer) remove_weakest(all, part_of(all.size()), removed);
    return removed;
}

std::vector<std::int64_t> kept_of(const ChannelGroup& group, const Layers& layers) {
    torch::Tensor gone = torch::ones({group.channels}, torch::kBool);
    for (const ChannelSlice& slice : group.slices) {
        const torch::Tensor& mask = layers.at(slice.layer)->weight_pruned;
        gone = mask.defined() ? gone.logical_and(by_channel(mask, slice, group.channels).all(1)) : torch::zeros_like(gone);
    }
    const torch::Tensor kept = gone.logical_not().nonzero().flatten();
    return {kept.const_data_ptr<std::int64_t>(), kept.const_data_ptr<std::int64_t>() + kept.numel()};
}

/// Indices of the kept channels along a slice's dimension.
torch::Tensor indices_of(const torch::Tensor& kept, int values) {
    return (kept.unsqueeze(1) * values + torch::arange(values)).flatten();
}

void refuse_quantised(Network& network) {
    if (!is_quantised(network)) return;
    throw_usage({.attempted = "cannot cut channels out of a network",
                 .found = "a quantised network",
                 .expected = "one without quantisers",
                 .hint = "set the bits to 32, shrink, then quantise the smaller network"});
}

/// The convolutions' shapes follow their weights.
void update_shapes(Network& network) {
    for (const auto& [name, layer] : weighted_layers(network)) {
        auto* convolution = dynamic_cast<Convolution*>(layer);
        if (convolution == nullptr) continue;
        ConvolutionShape& shape = convolution->shape;
        shape.out = static_cast<int>(layer->weight.size(0));
        if (shape.groups > 1) shape.groups = shape.out;  // depthwise
        shape.in = static_cast<int>(layer->weight.size(1)) * shape.groups;
    }
}

}  // namespace

void mask_channels(Network& network, double share, bool per_layer) {
    const torch::NoGradGuard no_gradients;
    const std::vector<ChannelGroup> groups = channel_groups(network);
    const Layers layers = layers_by_name(network);
    const auto removed = weakest_channels(groups, layers, share, per_layer);
    std::map<std::string, torch::Tensor> masks;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        const torch::Tensor gone =
            torch::from_blob(const_cast<char*>(removed[g].data()), {groups[g].channels}, torch::kBool).clone();
        for (const ChannelSlice& slice : groups[g].slices) {
            const torch::Tensor& weight = layers.at(slice.layer)->weight;
            torch::Tensor& mask = masks.try_emplace(slice.layer, torch::zeros(weight.sizes(), torch::kBool)).first->second;
            std::vector<std::int64_t> shape(static_cast<std::size_t>(weight.dim()), 1);
            shape[static_cast<std::size_t>(slice.dimension)] = -1;
            mask.logical_or_(gone.repeat_interleave(slice.values).view(shape));
        }
    }
    for (const auto& [name, mask] : masks) layers.at(name)->set_pruned(mask);
}

std::vector<KeptChannels> kept_channels(Network& network) {
    const Layers layers = layers_by_name(network);
    std::vector<KeptChannels> kept;
    for (const ChannelGroup& group : channel_groups(network)) kept.push_back({group, kept_of(group, layers)});
    return kept;
}

std::shared_ptr<Network> shrink_channels(Network& network) {
    refuse_quantised(network);
    const torch::NoGradGuard no_gradients;
    std::map<std::string, torch::Tensor> state;
    for (const auto& [name, tensor] : state_of(network)) state[name] = tensor.detach().clone();
    for (const auto& [group, channels] : kept_channels(network)) {
        const torch::Tensor kept = torch::tensor(channels);
        for (const ChannelSlice& slice : group.slices) {
            torch::Tensor& weight = state.at(slice.layer + ".weight");
            weight = weight.index_select(slice.dimension, indices_of(kept, slice.values));
        }
        for (const std::string& name : group.vectors) state.at(name) = state.at(name).index_select(0, kept);
    }
    auto smaller = build_network(network.architecture);
    for (const auto& [name, tensor] : state_of(*smaller)) torch::Tensor(tensor).set_data(state.at(name));
    update_shapes(*smaller);
    return smaller;
}

}  // namespace fairsweep
