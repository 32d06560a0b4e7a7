#include "export/shrink.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace fairsweep {
namespace {

using Indices = std::vector<std::int64_t>;

/// The values of `indices` along dimension 0 or 1 of a tensor of that shape.
template <typename Value>
std::vector<Value> selected(const std::vector<Value>& values, const Indices& shape, int dimension, const Indices& indices) {
    const auto side = shape[static_cast<std::size_t>(dimension)];
    const std::int64_t outer = dimension == 0 ? 1 : shape[0];
    const std::int64_t inner = static_cast<std::int64_t>(values.size()) / (outer * side);
    std::vector<Value> out;
    out.reserve(static_cast<std::size_t>(outer * inner) * indices.size());
    for (std::int64_t o = 0; o < outer; ++o)
        for (const std::int64_t index : indices) {
            const auto begin = values.begin() + (o * side + index) * inner;
            out.insert(out.end(), begin, begin + inner);
        }
    return out;
}

/// Places of the kept channels along a slice's dimension.
Indices places_of(const Indices& kept, int values) {
    Indices places;
    for (const std::int64_t channel : kept)
        for (int i = 0; i < values; ++i) places.push_back(channel * values + i);
    return places;
}

void keep(ExportedWeight& weight, int dimension, const Indices& places) {
    weight.values = selected(weight.values, weight.shape, dimension, places);
    if (!weight.codes.empty()) weight.codes = selected(weight.codes, weight.shape, dimension, places);
    if (!weight.pruned.empty()) weight.pruned = selected(weight.pruned, weight.shape, dimension, places);
    if (dimension == 0 && weight.quantiser && weight.quantiser->per_channel) {
        const Indices rows{weight.shape[0]};
        weight.quantiser->ranges = selected(weight.quantiser->ranges, rows, 0, places);
        if (!weight.quantiser->steps.empty()) weight.quantiser->steps = selected(weight.quantiser->steps, rows, 0, places);
    }
    weight.shape[static_cast<std::size_t>(dimension)] = static_cast<std::int64_t>(places.size());
    if (weight.groups > 1) weight.groups = weight.shape[0];  // depthwise
    if (std::count(weight.pruned.begin(), weight.pruned.end(), 0) == static_cast<std::ptrdiff_t>(weight.pruned.size()))
        weight.pruned.clear();  // nothing is left that a mask would say
}

}  // namespace

ExportedNetwork shrink(ExportedNetwork network, const std::vector<KeptChannels>& kept) {
    std::map<std::string, ExportedWeight*> weights;  // by tensor
    std::map<std::string, ExportedConstant*> constants;
    for (ExportedWeight& weight : network.weights) weights[weight.tensor()] = &weight;
    for (ExportedConstant& constant : network.constants) constants[constant.name] = &constant;
    for (const auto& [group, channels] : kept) {
        for (const ChannelSlice& slice : group.slices)
            keep(*weights.at(slice.layer + ".weight"), slice.dimension, places_of(channels, slice.values));
        for (const std::string& name : group.vectors) {
            if (const auto slopes = weights.find(name); slopes != weights.end()) {
                keep(*slopes->second, 0, channels);
            } else {
                std::vector<float>& values = constants.at(name)->values;
                values = selected(values, {group.channels}, 0, channels);
            }
        }
    }
    return network;
}

bool can_shrink(const std::vector<KeptChannels>& kept) {
    return std::any_of(kept.begin(), kept.end(),
                       [](const KeptChannels& one) { return one.kept.size() < static_cast<std::size_t>(one.group.channels); });
}

}  // namespace fairsweep
