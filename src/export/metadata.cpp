#include "export/metadata.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fairsweep {
namespace {

using Json = nlohmann::json;

Json range_json(const QuantiserDescription& quantiser) {
    const QuantiserScale& range = quantiser.ranges.front();
    return {{"bits", quantiser.bits},
            {"scale", range.scale},
            {"zero_point", range.zero_point},
            {"lowest_code", range.lowest},
            {"highest_code", range.highest},
            {"lowest", (range.lowest + range.zero_point) / range.scale},
            {"highest", (range.highest + range.zero_point) / range.scale}};
}

Json size_json(const PackedSize& size) {
    return {{"weights", size.weight_bytes}, {"kept_weights", size.kept_weight_bytes},
            {"slopes", size.slope_bytes},   {"ranges", size.range_bytes},
            {"masks", size.mask_bytes},     {"float32", size.float_bytes}};
}

/// Of the preset that installed the quantisers (compress/quantiser_description.hpp).
std::string formula_of(const ExportedNetwork& network) {
    const auto has_steps = [](const auto& part) { return part.quantiser && !part.quantiser->steps.empty(); };
    const bool is_modern = std::any_of(network.weights.begin(), network.weights.end(), has_steps) ||
                           std::any_of(network.activations.begin(), network.activations.end(),
                                       [](const auto& point) { return !point.quantiser.steps.empty(); });
    return is_modern
               ? "code = clamp(round_half_even(scale * x) - zero_point, lowest_code, highest_code); "
                 "value = (code + zero_point) * (1 / scale); float32"
               : "code = clamp(round_half_even(scale * x - zero_point), lowest_code, highest_code); "
                 "value = (code + zero_point) / scale; float32; weights per output channel, slopes and activations per tensor";
}

}  // namespace

std::uint64_t float32_bytes(const ExportedNetwork& network) {
    std::uint64_t values = 0;
    for (const ExportedWeight& weight : network.weights) values += weight.values.size();
    for (const ExportedConstant& constant : network.constants) values += constant.values.size();
    return values * sizeof(float);
}

ExportMetadata describe_numbers(const ExportedNetwork& network, const PackedSize& size) {
    Json ranges = Json::object();
    for (const ExportedActivation& activation : network.activations) ranges[activation.point] = range_json(activation.quantiser);
    Json masks = Json::object();
    for (const ExportedWeight& weight : network.weights)
        if (!weight.pruned.empty())
            masks[weight.layer] = {{"pruned", std::count(weight.pruned.begin(), weight.pruned.end(), 1)},
                                   {"weights", weight.pruned.size()}};
    return {{"ranges", ranges.dump()},
            {"masks", masks.dump()},
            {"quantiser_formula", formula_of(network)},
            {"size_packed_bytes", std::to_string(size.total_bytes())},
            {"size_packed_sparse_bytes", std::to_string(size.sparse_total_bytes())},
            {"size_packed_parts", size_json(size).dump()},
            {"size_float32_bytes", std::to_string(float32_bytes(network))}};
}

}  // namespace fairsweep
