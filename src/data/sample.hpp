#pragma once
#include <cstdint>

namespace fairsweep {

struct Sample {
    std::uint32_t image = 0;  ///< index in the training set
    bool flip = false;        ///< mirrored left to right
    bool operator==(const Sample&) const = default;
};

}  // namespace fairsweep
