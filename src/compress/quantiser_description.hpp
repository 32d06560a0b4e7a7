#pragma once
/// What a quantiser does, as plain numbers, whatever preset installed it: for exports and sizes. No torch here.
#include <vector>

#include "compress/fake_quant_kernel.hpp"

namespace fairsweep {

/// code = clamp(rint(scale * x - zero_point), lowest, highest), output = (code + zero_point) / scale, in float32
/// (compress/fake_quant_kernel.hpp). A zero point may lie far outside the codes: where the range excludes zero.
struct QuantiserDescription {
    int bits = 0;
    bool per_channel = false;            ///< one range for each slice of the first dimension; otherwise one range
    std::vector<QuantiserScale> ranges;  ///< [channels] or [1]
};

}  // namespace fairsweep
