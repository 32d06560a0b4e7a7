#include "export/onnx_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

/// libonnx 1.16 brought opset 21 with 16-bit QuantizeLinear, and the type INT4 in the same release: its name tells them apart.
template <typename Tensor>
constexpr bool knows_opset_21() {
    return requires { Tensor::INT4; };
}

onnx::TensorProto empty_tensor(const std::string& name, const Dimensions& dims, onnx::TensorProto::DataType type) {
    onnx::TensorProto tensor;
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const std::int64_t side : dims) tensor.add_dims(side);
    return tensor;
}

}  // namespace

bool has_16_bit_quantisers() { return knows_opset_21<onnx::TensorProto>(); }

IntegerType integer_type_for(const QuantiserDescription& quantiser, const std::string& where) {
    static constexpr IntegerType kInt8{onnx::TensorProto::INT8, -128, 127, 1};
    static constexpr IntegerType kUint8{onnx::TensorProto::UINT8, 0, 255, 1};
    static constexpr IntegerType kInt16{onnx::TensorProto::INT16, -32768, 32767, 2};
    float lowest = quantiser.ranges.front().lowest, highest = quantiser.ranges.front().highest;
    for (const QuantiserScale& range : quantiser.ranges) {
        lowest = std::min(lowest, range.lowest);
        highest = std::max(highest, range.highest);
    }
    for (const IntegerType* type : {&kInt8, &kUint8, &kInt16}) {
        if (type == &kInt16 && !has_16_bit_quantisers()) break;
        if (lowest >= static_cast<float>(type->lowest) && highest <= static_cast<float>(type->highest)) return *type;
    }
    throw_usage({.attempted = "cannot write a quantiser as ONNX",
                 .where = where,
                 .found = fmt::format("{} bits, codes {} ... {}", quantiser.bits, lowest, highest),
                 .expected = has_16_bit_quantisers()
                                 ? "at most 16 bits"
                                 : "at most 8 bits: 16-bit integers need opset 21, that is libonnx 1.16 or later",
                 .hint = "export it as safetensors"});
}

bool OnnxRanges::has_offsets() const {
    return std::any_of(offsets.begin(), offsets.end(), [](float offset) { return offset != 0.0F; });
}

OnnxRanges onnx_ranges(const QuantiserDescription& quantiser, const IntegerType& type) {
    OnnxRanges result;
    for (const QuantiserScale& range : quantiser.ranges) {
        const double wanted = -static_cast<double>(range.zero_point);
        const double held = std::clamp(wanted, static_cast<double>(type.lowest), static_cast<double>(type.highest));
        result.steps.push_back(1.0F / range.scale);
        result.zero_points.push_back(static_cast<std::int32_t>(held));
        result.offsets.push_back(static_cast<float>((held - wanted) / static_cast<double>(range.scale)));
    }
    return result;
}

onnx::TensorProto float_tensor(const std::string& name, const Dimensions& dims, std::span<const float> values) {
    onnx::TensorProto tensor = empty_tensor(name, dims, onnx::TensorProto::FLOAT);
    tensor.set_raw_data(values.data(), values.size_bytes());
    return tensor;
}

onnx::TensorProto integer_tensor(const std::string& name, const Dimensions& dims, const IntegerType& type,
                                 std::span<const std::int32_t> values) {
    std::string bytes;
    bytes.reserve(values.size() * type.bytes);
    for (const std::int32_t value : values) {
        FAIRSWEEP_CHECK(value >= type.lowest && value <= type.highest, "an integer outside its type");
        for (std::size_t byte = 0; byte < type.bytes; ++byte)
            bytes.push_back(static_cast<char>(static_cast<std::uint32_t>(value) >> (8 * byte) & 0xffU));
    }
    onnx::TensorProto tensor = empty_tensor(name, dims, type.type);
    tensor.set_raw_data(std::move(bytes));
    return tensor;
}

}  // namespace fairsweep
