#pragma once
/// A network as plain numbers: what every export format is written from. No torch here.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compress/quantiser_description.hpp"
#include "words/architecture.hpp"

namespace fairsweep {

/// The weights of one layer as its forward pass uses them.
struct ExportedWeight {
    enum class Kind { convolution, linear, prelu };
    std::string layer;  ///< "layer1.0.conv1"; the tensor is "<layer>.weight"
    Kind kind{};
    std::vector<std::int64_t> shape;  ///< conv [out, in / groups, rows, cols], linear [out, in], prelu [channels]
    std::int64_t stride = 1, padding = 0, groups = 1;  ///< convolutions
    std::vector<float> values;                         ///< in index order; quantised, pruned ones exactly 0
    std::optional<QuantiserDescription> quantiser;
    std::vector<std::int32_t> codes;   ///< with a quantiser: values[i] == (codes[i] + zero_point) / scale, bit for bit
    std::vector<std::uint8_t> pruned;  ///< pruned layers: 1 is held at zero; empty: not pruned

    [[nodiscard]] std::string tensor() const { return layer + ".weight"; }
    [[nodiscard]] std::int64_t channels() const { return shape.front(); }
    /// Which of quantiser->ranges the i-th value belongs to.
    [[nodiscard]] std::size_t range_of(std::size_t i) const { return i / (values.size() / quantiser->ranges.size()); }
};

struct ExportedActivation {
    std::string point;  ///< "layer1.0.prelu.output"
    QuantiserDescription quantiser;
};

/// What stays float32: BatchNorm with its running statistics, biases.
struct ExportedConstant {
    std::string name;  ///< in the reference's state_dict
    std::vector<float> values;
};

struct ExportedNetwork {
    Architecture architecture;
    std::vector<ExportedWeight> weights;          ///< in order of execution
    std::vector<ExportedActivation> activations;  ///< in order of execution; empty where they are float
    std::vector<ExportedConstant> constants;      ///< in order of the state_dict
};

}  // namespace fairsweep
