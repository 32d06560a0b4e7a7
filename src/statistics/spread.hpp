#pragma once
/// Intervals for figures of spread over groups (STD, largest gap, SER), which sit at a boundary when groups are equal, by
/// the linearised identity bootstrap. Everything here is in fractions; multiply STD and gap by 100 for percentage points.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "statistics/clusters.hpp"
#include "statistics/contrast.hpp"

namespace fairsweep {

/// Random weights of people, the same for every network, metric and group: w is Poisson(1), a pure function of seed,
/// person and replicate.
class IdentityBootstrap {
public:
    IdentityBootstrap(std::uint32_t identities, std::uint32_t replicates, std::uint64_t seed);
    [[nodiscard]] std::uint32_t replicates() const { return replicates_; }
    /// [replicates] sum over people of (w - 1) * S, for the identity sums S of an estimate's influence.
    [[nodiscard]] std::vector<double> deviations(std::span<const double> identity_sums) const;

private:
    std::uint32_t replicates_;
    std::vector<std::int8_t> weight_minus_one_;  ///< [identities, replicates]
};

/// Group accuracies of one network, their variances, and replicates of them.
struct GroupAccuracies {
    std::vector<RateEstimate> rates;                  ///< [groups], hits are right decisions
    std::vector<std::vector<double>> raw_deviations;  ///< [groups][replicates]
    std::vector<double> scale;                        ///< [groups] sqrt(dyadic variance / bootstrap variance)
    [[nodiscard]] std::vector<double> accuracies() const;
};

/// `correct` [pairs] 1: decided rightly.
[[nodiscard]] GroupAccuracies group_accuracies(const PairClusters& clusters, const IdentityBootstrap& bootstrap,
                                               std::span<const std::uint8_t> correct);

/// p value of "all groups have the same accuracy": chi-square with groups - 1 degrees of freedom. 1 with one group.
[[nodiscard]] double homogeneity_p_value(const GroupAccuracies& groups);

struct SpreadIntervals {
    double homogeneity_p = 1.0;
    Interval deviation;     ///< of STD (ddof 1), fractions
    Interval gap;           ///< of the largest gap, fractions
    Interval error_ratio;   ///< of SER; from errors + 0.5, so defined where SER is not
};

/// Hybrid intervals: when equality of the groups is not rejected at 2.5 %, the lower limit is the boundary (0, or 1 for
/// SER) and the upper one a percentile; else estimate +- 1.96 standard errors. nullopt below two groups.
[[nodiscard]] std::optional<SpreadIntervals> spread_intervals(const GroupAccuracies& groups);

/// Two networks on the same pairs, and what each did on them.
struct PairedDecisions {
    std::span<const std::uint8_t> reference;  ///< [pairs] 1: decided rightly
    std::span<const std::uint8_t> treated;
    const GroupAccuracies* reference_accuracies;
    const GroupAccuracies* treated_accuracies;
};

/// Mean over seeds of STD(treated) - STD(reference), fractions; one element per seed. nullopt below two groups.
[[nodiscard]] std::optional<Estimate> deviation_change(const PairClusters& clusters, const IdentityBootstrap& bootstrap,
                                                       std::span<const PairedDecisions> seeds);

}  // namespace fairsweep
