#include "export/onnx_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

/// libonnx 1.16 brought opset 21 with 4- and 16-bit quantisers: the name of the type INT4 tells it from earlier ones.
template <typename Tensor>
constexpr typename Tensor::DataType int4_if_known() {
    if constexpr (requires { Tensor::INT4; }) {
        return Tensor::INT4;
    } else {
        return Tensor::UNDEFINED;
    }
}
constexpr onnx::TensorProto::DataType kInt4Type = int4_if_known<onnx::TensorProto>();

constexpr IntegerType kInt4{kInt4Type, -8, 7, 4};
constexpr IntegerType kInt8{onnx::TensorProto::INT8, -128, 127, 8};
constexpr IntegerType kUint8{onnx::TensorProto::UINT8, 0, 255, 8};
constexpr IntegerType kInt16{onnx::TensorProto::INT16, -32768, 32767, 16};

onnx::TensorProto empty_tensor(const std::string& name, const Dimensions& dims, onnx::TensorProto::DataType type) {
    onnx::TensorProto tensor;
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const std::int64_t side : dims) tensor.add_dims(side);
    return tensor;
}

}  // namespace

bool has_opset_21() { return kInt4Type != onnx::TensorProto::UNDEFINED; }

IntegerType integer_type_for(const QuantiserDescription& quantiser, CodeUse use, const std::string& where) {
    float lowest = quantiser.ranges.front().lowest, highest = quantiser.ranges.front().highest;
    for (const QuantiserScale& range : quantiser.ranges) {
        lowest = std::min(lowest, range.lowest);
        highest = std::max(highest, range.highest);
    }
    for (const IntegerType& type : {kInt4, kInt8, kUint8, kInt16}) {
        if (type.needs_opset_21() && !has_opset_21()) continue;
        if (type.bits == 4 && use == CodeUse::activation) continue;
        if (lowest >= static_cast<float>(type.lowest) && highest <= static_cast<float>(type.highest)) return type;
    }
    throw_usage({.attempted = "cannot write a quantiser as ONNX",
                 .where = where,
                 .found = fmt::format("{} bits, codes {} ... {}", quantiser.bits, lowest, highest),
                 .expected = has_opset_21() ? "at most 16 bits"
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
    // Little-endian; two 4-bit integers share a byte, the first one in its low half.
    std::string bytes((values.size() * static_cast<std::size_t>(type.bits) + 7) / 8, '\0');
    std::size_t at = 0;  // bits written
    for (const std::int32_t value : values) {
        FAIRSWEEP_CHECK(value >= type.lowest && value <= type.highest, "an integer outside its type");
        const std::uint32_t code = static_cast<std::uint32_t>(value) & ((1U << type.bits) - 1);
        for (int bit = 0; bit < type.bits; bit += 4, at += 4)
            bytes[at / 8] = static_cast<char>(static_cast<std::uint8_t>(bytes[at / 8]) | (code >> bit & 0xfU) << (at % 8));
    }
    onnx::TensorProto tensor = empty_tensor(name, dims, type.type);
    tensor.set_raw_data(std::move(bytes));
    return tensor;
}

}  // namespace fairsweep
