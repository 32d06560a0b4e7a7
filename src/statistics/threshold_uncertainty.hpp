#pragma once
/// Rates at a threshold that was chosen on the same pairs. Two questions have two intervals: "this very threshold, frozen
/// from now on" takes it as given (rate_estimate); "the matcher at FMR = x" or "at its most accurate threshold" also counts
/// how far the threshold may lie from the right one. Formulas: docs/statistics.md; coverage: tests/statistics.
#include <span>
#include <vector>

#include "fairsweep/items.hpp"
#include "statistics/contrast.hpp"
#include "statistics/spread.hpp"

namespace fairsweep {

/// With fewer false matches expected at FMR = x (x times the impostor pairs of all groups) nothing is said about that
/// threshold: intervals then cover 79 % instead of 95 %.
inline constexpr double kFewestFalseMatches = 5.0;

/// Between these scores lies the right threshold in 95 % of samples.
struct ThresholdRange {
    double low = 0.0;
    double high = 0.0;
};

/// Around the smallest threshold with pooled FMR <= x: the thresholds at the limits of the pooled FMR's own interval.
/// `pooled_fmr`: the estimate over all impostor pairs at the threshold chosen.
[[nodiscard]] ThresholdRange fmr_threshold_range(const RateEstimate& pooled_fmr, std::span<const double> scores,
                                                 std::span<const std::uint8_t> genuine);

/// Around the threshold with the highest pooled accuracy: +- 1.96 sd of the thresholds chosen anew under random weights of
/// people (a pair weighs w_a * w_b), scaled by the dyadic over the weighted deviation of the error at the threshold.
/// `wrong` [pairs] 1: decided wrongly at `threshold`. `replicates` of the bootstrap are used.
[[nodiscard]] ThresholdRange accurate_threshold_range(const PairClusters& clusters, const IdentityBootstrap& bootstrap,
                                                      const ItemTable& table, std::span<const double> scores, double threshold,
                                                      std::span<const std::uint8_t> wrong, std::uint32_t replicates = 200);

/// A rate (fraction) whose threshold may lie elsewhere: each limit moves out by how far the rate moves in that direction
/// between the ends of the threshold's range, in quadrature. `widening` (>= 1) multiplies both distances from the rate.
[[nodiscard]] Interval widened(const Interval& frozen, double rate, double rate_at_low, double rate_at_high,
                               double widening = 1.0);

/// Everything about one threshold with pooled FMR <= x.
class AtFmr {
public:
    /// `wrong` [pairs] 1: decided wrongly at the threshold chosen.
    AtFmr(const PairClusters& clusters, const ItemTable& table, std::span<const double> scores,
          std::span<const std::uint8_t> wrong);

    /// FNMR of a group where the matcher's pooled FMR truly is x: widened(), and what genuine and impostor pairs of the same
    /// people have in common. The group must have genuine pairs.
    [[nodiscard]] Interval fnmr(std::uint32_t group) const;
    /// FMR of a group there: Wilson with the dyadic variance of the group's residuals minus the part of the pooled ones that
    /// the threshold takes up. The group must have impostor pairs.
    [[nodiscard]] Interval fmr(std::uint32_t group) const;
    /// [pairs] influence of the pairs on a group's rate, the threshold's part included. `genuine`: FNMR, else FMR.
    [[nodiscard]] std::vector<double> influence(std::uint32_t group, bool genuine) const;

private:
    [[nodiscard]] const PairSubset& subset(std::uint32_t group, bool genuine) const;
    /// Change of the group's rate per change of the pooled FMR: a secant over the range.
    [[nodiscard]] double slope(std::uint32_t group, bool genuine) const;

    const PairClusters* clusters_;
    std::span<const std::uint8_t> wrong_;
    ThresholdRange range_;
    std::vector<std::uint8_t> wrong_at_low_, wrong_at_high_;  ///< [pairs] at the ends of the range
};

/// [pairs] 1: decided wrongly at the threshold (a pair matches when score >= threshold).
[[nodiscard]] std::vector<std::uint8_t> errors_at(std::span<const double> scores, std::span<const std::uint8_t> genuine,
                                                  double threshold);
/// Share of a subset that is flagged; the subset must not be empty.
[[nodiscard]] double rate_of(const PairSubset& subset, std::span<const std::uint8_t> flags);

/// Upper 95 % limit of a rate of which nothing was seen in `trials` independent trials ("rule of three").
[[nodiscard]] double rule_of_three(std::uint32_t trials);

}  // namespace fairsweep
