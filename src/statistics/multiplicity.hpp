#pragma once
/// p values of many tests: Holm for a declared family, Benjamini-Hochberg for what is explored.
#include <span>
#include <vector>

namespace fairsweep {

/// Adjusted p values, in the order given; controls the chance of any false alarm.
[[nodiscard]] std::vector<double> holm(std::span<const double> p_values);
/// Adjusted p values, in the order given; controls the expected share of false alarms among the findings.
[[nodiscard]] std::vector<double> benjamini_hochberg(std::span<const double> p_values);

}  // namespace fairsweep
