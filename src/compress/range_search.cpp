#include "compress/range_search.hpp"

#include <algorithm>
#include <cmath>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

constexpr int kCandidates = 81;

/// Reorders `values`.
float quantile(std::vector<float>& values, double share) {
    const double position = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(std::floor(position));
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(below);
    std::nth_element(values.begin(), at, values.end());
    const double low = static_cast<double>(*at);
    if (below + 1 == values.size()) return static_cast<float>(low);
    const double high = static_cast<double>(*std::min_element(at + 1, values.end()));
    return static_cast<float>(low + (high - low) * (position - static_cast<double>(below)));
}

}  // namespace

std::vector<float> sample_of(std::span<const float> values, std::size_t most) {
    const std::size_t stride = (values.size() + most - 1) / most;
    std::vector<float> sample;
    sample.reserve(values.size() / std::max<std::size_t>(stride, 1) + 1);
    for (std::size_t i = 0; i < values.size(); i += stride) sample.push_back(values[i]);
    return sample;
}

ValueRange percentile_range(std::span<const float> values, double share) {
    FAIRSWEEP_CHECK(!values.empty() && share >= 0.5 && share <= 1.0, "a share of some values");
    std::vector<float> own(values.begin(), values.end());
    const float low = quantile(own, 1.0 - share);
    return {.min = low, .max = quantile(own, share), .is_finite = true};
}

ValueRange least_error_range(std::span<const float> values, GridKind kind, int bits) {
    const ValueRange whole = range_of(values);
    ValueRange best = whole;
    double least = squared_error(values, grid_of_range(whole.min, whole.max, kind, bits));
    for (int i = 1; i < kCandidates; ++i) {
        const float factor = 1.0F - 0.01F * static_cast<float>(i);
        const float low = factor * whole.min, high = factor * whole.max;
        const double error = squared_error(values, grid_of_range(low, high, kind, bits));
        if (error < least) {
            least = error;
            best = {.min = low, .max = high, .is_finite = true};
        }
    }
    return best;
}

}  // namespace fairsweep
