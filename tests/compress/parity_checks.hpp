#pragma once
/// Comparisons with the files of tests/golden/quantface. Limits: its README, section 7 (three to five times what the reference
/// itself moves by when threads, kernels or the last bit of the input change).
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "compress/quantisation.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

namespace fairsweep::golden {

/// The reference wraps what is followed by a quantiser: "layer1.0.0.conv1" there is "layer1.0.conv1" here.
inline std::string our_name(const std::string& name) {
    static const std::regex nesting("(layer[0-9]+\\.[0-9]+|model\\.[0-9]+)\\.0\\.");
    return std::regex_replace(name.starts_with("0.") ? name.substr(2) : name, nesting, "$1.");
}

/// Norm and checksum, relative to the norm.
inline void check_tensor(const torch::Tensor& found, const Json& expected, double limit) {
    const double norm = expected.at("l2");
    CHECK(relative_difference(l2(found), norm) <= limit);
    if (expected.contains("checksum")) CHECK(std::abs(checksum(found) - expected.at("checksum").get<double>()) <= limit * norm);
}

/// The first values of a tensor, one by one, relative to their root mean square.
inline void check_first(const torch::Tensor& found, const Json& expected, double limit) {
    const torch::Tensor first = tensor_of(expected);
    const double rms = l2(first) / std::sqrt(static_cast<double>(first.numel()));
    CHECK((found.detach().flatten().slice(0, 0, first.numel()) - first).abs().max().item<double>() <= limit * rms);
}

/// Distance of two ranges relative to the larger end of the expected one.
inline double range_difference(const ActivationRange& found, const Json& expected) {
    const double low = expected[1], high = expected[2], width = std::max(std::abs(low), std::abs(high));
    return std::max(std::abs(double{found.x_min} - low), std::abs(double{found.x_max} - high)) / width;
}

/// limit(index): the first quantisers depend on one layer only and are compared closely at every width.
template <typename Limit>
void check_ranges(const std::vector<ActivationRange>& found, const Json& expected, const Limit& limit) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        INFO(found[i].name);
        CHECK(range_difference(found[i], expected[i]) <= limit(i));
    }
}

}  // namespace fairsweep::golden
