#pragma once
/// Indices of how unequal groups are. Undefined values are nullopt, never 0 or infinity.
#include <optional>
#include <span>

namespace fairsweep {

[[nodiscard]] std::optional<double> average(std::span<const double> values);
/// Sample standard deviation (ddof 1), the convention of the published RFW tables; nullopt below two values.
[[nodiscard]] std::optional<double> sample_deviation(std::span<const double> values);

/// Skewed error ratio of accuracies in percent: (100 - lowest) / (100 - highest). nullopt when a group makes no error.
[[nodiscard]] std::optional<double> skewed_error_ratio(std::span<const double> accuracies_percent);

/// Highest minus lowest.
[[nodiscard]] std::optional<double> largest_gap(std::span<const double> values);

/// Fairness discrepancy rate (Pereira and Marcel, arXiv 2011.02395) at one threshold: 1 is fair. `alpha` weighs the FMR term.
[[nodiscard]] std::optional<double> fairness_discrepancy_rate(std::span<const double> fmr, std::span<const double> fnmr,
                                                              double alpha = 0.5);
/// Inequity rate (NIST; Howard et al., arXiv 2203.05051): 1 is fair. nullopt when a group has no error of a kind.
[[nodiscard]] std::optional<double> inequity_rate(std::span<const double> fmr, std::span<const double> fnmr, double alpha = 0.5);
/// Gini coefficient with the small-sample factor n/(n-1): 0 is equal, 1 when one group has it all; 0 when all are 0.
[[nodiscard]] std::optional<double> gini(std::span<const double> values);
/// Gini aggregation rate for biometric equitability (Howard et al.): 0 is fair.
[[nodiscard]] std::optional<double> garbe(std::span<const double> fmr, std::span<const double> fnmr, double alpha = 0.5);

}  // namespace fairsweep
