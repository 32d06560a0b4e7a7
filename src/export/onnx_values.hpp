#pragma once
/// Inside the export room: numbers as ONNX tensors, and quantisers in ONNX's terms.
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compress/quantiser_description.hpp"

namespace fairsweep {

using Dimensions = std::vector<std::int64_t>;

struct IntegerType {
    onnx::TensorProto::DataType type{};
    std::int32_t lowest = 0, highest = 0;
    int bits = 8;
    /// 4 and 16 bits came with opset 21.
    [[nodiscard]] bool needs_opset_21() const { return bits != 8; }
};

/// What the codes belong to: constants may be packed tightly, activations are computed with and take whole bytes.
enum class CodeUse { constant, activation };

/// The smallest type that holds the codes: int8 or uint8, and where the installed libonnx knows opset 21 also int4 (constants)
/// and int16. Throws a usage Error naming `where` when there is none.
[[nodiscard]] IntegerType integer_type_for(const QuantiserDescription& quantiser, CodeUse use, const std::string& where);
/// True from libonnx 1.16 on.
[[nodiscard]] bool has_opset_21();

/// ONNX: value = (code - zero_point) * step [+ offset]. A zero point outside the integer type is cut to it, and the offset
/// makes up for the rest; offsets are 0 wherever the range includes zero.
struct OnnxRanges {
    std::vector<float> steps;               ///< 1 / scale
    std::vector<std::int32_t> zero_points;  ///< inside the integer type
    std::vector<float> offsets;
    [[nodiscard]] bool has_offsets() const;
};
[[nodiscard]] OnnxRanges onnx_ranges(const QuantiserDescription& quantiser, const IntegerType& type);

[[nodiscard]] onnx::TensorProto float_tensor(const std::string& name, const Dimensions& dims, std::span<const float> values);
/// Values must lie in the type.
[[nodiscard]] onnx::TensorProto integer_tensor(const std::string& name, const Dimensions& dims, const IntegerType& type,
                                               std::span<const std::int32_t> values);

}  // namespace fairsweep
