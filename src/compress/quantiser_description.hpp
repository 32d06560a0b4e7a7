#pragma once
/// What a quantiser does, as plain numbers, whatever preset installed it: for exports and sizes. No torch here.
#include <cstddef>
#include <vector>

#include "device/fake_quant_kernel.hpp"

namespace fairsweep {

/// In float32 (device/fake_quant_kernel.hpp), preset "quantface":
///   code = clamp(rint(scale * x - zero_point), lowest, highest), output = (code + zero_point) / scale;
/// a zero point may lie far outside the codes: where the range excludes zero. Preset "modern" has steps:
///   code = clamp(rint(scale * x) - zero_point, lowest, highest), output = (code + zero_point) * step.
struct QuantiserDescription {
    int bits = 0;
    bool per_channel = false;            ///< one range for each slice of the first dimension; otherwise one range
    std::vector<QuantiserScale> ranges;  ///< [channels] or [1]
    std::vector<float> steps{};          ///< as many as ranges with preset "modern", otherwise empty

    struct Coded {
        float code = 0.0F, value = 0.0F;
    };
    /// The code of one finite value, and what it stands for.
    [[nodiscard]] Coded coded(float x, std::size_t range) const;
};

/// Appends a range of preset "modern".
void add_range(QuantiserDescription& description, const StepGrid& grid);

}  // namespace fairsweep
