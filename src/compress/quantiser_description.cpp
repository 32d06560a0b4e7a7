#include "compress/quantiser_description.hpp"

#include <algorithm>
#include <cmath>

namespace fairsweep {

QuantiserDescription::Coded QuantiserDescription::coded(float x, std::size_t range) const {
    const QuantiserScale& s = ranges.at(range);
    if (steps.empty()) {
        const float code = quantiser_code(x, s);
        return {code, (code + s.zero_point) / s.scale};
    }
    const float code = std::clamp(std::nearbyint(x * s.scale) - s.zero_point, s.lowest, s.highest);
    return {code, (code + s.zero_point) * steps.at(range)};
}

void add_range(QuantiserDescription& description, const StepGrid& grid) {
    description.ranges.push_back({1.0F / grid.step, -grid.zero_point, grid.lowest, grid.highest});
    description.steps.push_back(grid.step);
}

}  // namespace fairsweep
