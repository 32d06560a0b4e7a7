#include "export/packed_file.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

/// Tensors with their bytes, in the order of the file.
struct Contents {
    SafetensorsPlan plan;
    std::vector<std::vector<std::byte>> data;

    template <typename Value>
    void add(const std::string& name, const char* dtype, std::vector<std::uint64_t> shape, std::span<const Value> values) {
        plan.tensors.push_back({.name = name, .dtype = dtype, .shape = std::move(shape)});
        const auto bytes = std::as_bytes(values);
        data.emplace_back(bytes.begin(), bytes.end());
    }
    void add_floats(const std::string& name, std::span<const float> values) { add(name, "F32", {values.size()}, values); }
    void add_bytes(const std::string& name, std::span<const std::uint8_t> values) { add(name, "U8", {values.size()}, values); }

    void add_ranges(const std::string& name, const QuantiserDescription& quantiser) {
        std::vector<float> scales, zero_points;
        for (const QuantiserScale& range : quantiser.ranges) {
            scales.push_back(range.scale);
            zero_points.push_back(range.zero_point);
        }
        add_floats(name + ".scale", scales);
        add_floats(name + ".zero_point", zero_points);
    }
};

void add_weight(const ExportedWeight& weight, Contents& contents, nlohmann::json& codes) {
    const std::vector<std::uint64_t> shape(weight.shape.begin(), weight.shape.end());
    if (weight.quantiser) {
        const auto lowest = static_cast<std::int32_t>(weight.quantiser->ranges.front().lowest);
        contents.add_bytes(weight.tensor() + ".codes", pack_codes(weight.codes, weight.quantiser->bits, lowest));
        contents.add_ranges(weight.tensor(), *weight.quantiser);
        codes[weight.tensor()] = {{"bits", weight.quantiser->bits}, {"lowest_code", lowest}, {"shape", shape}};
    } else {
        contents.add<float>(weight.tensor(), "F32", shape, weight.values);
    }
    if (weight.pruned.empty()) return;
    const std::vector<std::int32_t> mask(weight.pruned.begin(), weight.pruned.end());
    contents.add_bytes(weight.tensor() + ".pruned", pack_codes(mask, 1, 0));
}

}  // namespace

std::vector<std::uint8_t> pack_codes(std::span<const std::int32_t> codes, int bits, std::int32_t lowest) {
    std::vector<std::uint8_t> packed(packed_bytes(codes.size(), bits), 0);
    std::size_t at = 0;  // bits written
    for (const std::int32_t code : codes) {
        const std::int64_t value = static_cast<std::int64_t>(code) - lowest;
        FAIRSWEEP_CHECK(value >= 0 && value < std::int64_t{1} << bits, "a code outside its bits");
        for (int bit = 0; bit < bits; ++bit, ++at)
            packed[at / 8] = static_cast<std::uint8_t>(packed[at / 8] | ((value >> bit & 1) << (at % 8)));
    }
    return packed;
}

SafetensorsWriter::Written write_packed_file(const std::filesystem::path& path, const ExportedNetwork& network,
                                             ExportMetadata metadata) {
    Contents contents;
    nlohmann::json codes = nlohmann::json::object();
    for (const ExportedWeight& weight : network.weights) add_weight(weight, contents, codes);
    for (const ExportedActivation& activation : network.activations) contents.add_ranges(activation.point, activation.quantiser);
    for (const ExportedConstant& constant : network.constants) contents.add_floats(constant.name, constant.values);
    contents.plan.metadata = std::move(metadata);
    contents.plan.metadata["codes"] = codes.dump();
    contents.plan.metadata["packing"] =
        "code i less lowest_code is in bits [i * bits, (i + 1) * bits), least significant first; masks: one bit a weight, 1 is "
        "pruned";
    SafetensorsWriter writer(path, std::move(contents.plan));
    for (const auto& bytes : contents.data) writer.append(bytes);
    return writer.finish();
}

}  // namespace fairsweep
