#pragma once
/// Linear combinations of rates (accuracy of a group, a gap, a paired change, a change of a gap, means over seeds) with
/// dyadic t intervals, and single rates with Wilson intervals. Coverage: reference values in tests/statistics.
#include <cstdint>
#include <span>
#include <vector>

#include "statistics/clusters.hpp"

namespace fairsweep {

struct Interval {
    double low = 0.0;
    double high = 0.0;
};

inline constexpr double kConfidence = 0.95;
inline constexpr double kUpperTail = 0.5 + kConfidence / 2.0;  ///< the quantile above which half of the rest lies

/// An estimate with its uncertainty. The interval is two-sided at kConfidence.
struct Estimate {
    double value = 0.0;
    double variance = 0.0;
    double degrees_of_freedom = 0.0;
    Interval interval;
};

/// value +- t * sqrt(variance).
[[nodiscard]] Estimate t_estimate(double value, double variance, double degrees_of_freedom);

/// A rate over a subset of pairs, a fraction.
struct RateEstimate {
    double rate = 0.0;
    double variance = 0.0;     ///< dyadic; never zero: see rate_estimate
    double effective_n = 0.0;  ///< independent trials that would be as uncertain
    Interval interval;         ///< Wilson with effective_n and a t quantile
    std::uint32_t hits = 0;
    std::uint32_t trials = 0;
};

/// Wilson (1927) for `effective_n` independent trials, with a t quantile. The rate is a fraction.
[[nodiscard]] Interval wilson_interval(double rate, double effective_n, double degrees_of_freedom);

/// `flags` [pairs] 1: a hit. The subset must not be empty. Where all or no pairs are hits nothing can be learnt about
/// dependence, and people count as trials; elsewhere effective_n is at most the number of pairs. `variance_inflation` (>= 1)
/// multiplies the variance.
[[nodiscard]] RateEstimate rate_estimate(const PairClusters& clusters, const PairSubset& subset,
                                         std::span<const std::uint8_t> flags, double variance_inflation = 1.0);

/// sum of weight * rate over the rates added. Rates of the same pairs are paired by construction.
class LinearContrast {
public:
    explicit LinearContrast(const PairClusters& clusters);
    /// `flags` [pairs]; `subset` must not be empty and must outlive the contrast.
    void add(const PairSubset& subset, std::span<const std::uint8_t> flags, double weight);

    [[nodiscard]] double value() const { return value_; }
    [[nodiscard]] std::span<const double> influence() const { return influence_; }
    /// Dyadic; at least what one flipped pair in every subset would add, so that "no flip seen" is not certainty.
    [[nodiscard]] double variance() const;
    [[nodiscard]] double degrees_of_freedom() const;  ///< people minus subsets
    [[nodiscard]] Estimate estimate() const { return t_estimate(value(), variance(), degrees_of_freedom()); }

private:
    struct Part {
        const PairSubset* subset;
        double largest_weight;
    };
    const PairClusters* clusters_;
    double value_ = 0.0;
    std::vector<double> influence_;  ///< [pairs]
    std::vector<Part> parts_;
};

/// The mean over seeds: identity variance of the mean plus s^2 / n between seeds, Satterthwaite degrees of freedom.
/// With one seed only identity variance is known: the estimate is then about this network, not about the procedure.
[[nodiscard]] Estimate seed_mean_estimate(double identity_variance, double identity_degrees_of_freedom,
                                          std::span<const double> value_of_seed);

/// `value` [seeds][groups]: sd of what one seed does to one group alone, beyond what it does to all: the luck of training that
/// tells groups apart. 0 with one seed or one group.
[[nodiscard]] double interaction_deviation(std::span<const std::vector<double>> value);

}  // namespace fairsweep
