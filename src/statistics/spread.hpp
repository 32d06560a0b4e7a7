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
    [[nodiscard]] std::uint64_t seed() const { return seed_; }
    /// [replicates] sum over people of (w - 1) * S, for the identity sums S of an estimate's influence.
    [[nodiscard]] std::vector<double> deviations(std::span<const double> identity_sums) const;
    /// w of a person in a replicate: 0, 1, 2 ...
    [[nodiscard]] int weight(std::uint32_t identity, std::uint32_t replicate) const {
        return of_replicate_[std::size_t{replicate} * identities_ + identity] + 1;
    }
    /// w_a * w_b of a pair, w where both are one person.
    [[nodiscard]] int pair_weight(std::uint32_t a, std::uint32_t b, std::uint32_t replicate) const {
        return weight(a, replicate) * (a == b ? 1 : weight(b, replicate));
    }

private:
    std::uint32_t identities_;
    std::uint32_t replicates_;
    std::uint64_t seed_;
    // w - 1, twice: who asks for all replicates of a person and who asks for all people of a replicate both read in a row.
    std::vector<std::int8_t> of_identity_;   ///< [identities, replicates]
    std::vector<std::int8_t> of_replicate_;  ///< [replicates, identities]
};

/// Group accuracies of one network, their variances, and replicates of them.
struct GroupAccuracies {
    std::vector<RateEstimate> rates;                  ///< [groups], hits are right decisions
    std::vector<std::vector<double>> raw_deviations;  ///< [groups][replicates]
    std::vector<double> scale;                        ///< [groups] sqrt(dyadic variance / bootstrap variance)
    [[nodiscard]] std::vector<double> accuracies() const;
    /// Adds factor * scale * raw_deviations to `sum` [groups][replicates]; an empty sum is zero.
    void add_deviations(std::vector<std::vector<double>>& sum, double factor) const;
};

/// `correct` [pairs] 1: decided rightly. `variance_inflation` [groups], each >= 1: what the choice of thresholds adds
/// (threshold_choice.hpp); empty: thresholds were fixed beforehand.
[[nodiscard]] GroupAccuracies group_accuracies(const PairClusters& clusters, const IdentityBootstrap& bootstrap,
                                               std::span<const std::uint8_t> correct,
                                               std::span<const double> variance_inflation = {});

/// p value of "all groups have the same accuracy": chi-square with groups - 1 degrees of freedom. 1 with one group.
[[nodiscard]] double homogeneity_p_value(std::span<const double> accuracies, std::span<const double> variances);

/// Distribution of a figure when nothing but chance tells the groups apart: the choice of people and, where there are several
/// seeds, the luck of each training. With one seed it is about this network.
struct NoBias {
    double mean = 0.0;
    double p95 = 0.0;
};

struct SpreadIntervals {
    double homogeneity_p = 1.0;
    Interval deviation;          ///< of STD (ddof 1), fractions
    Interval gap;                ///< of the largest gap, fractions
    Interval error_ratio;        ///< of SER; from errors + 0.5, so defined where SER is not
    NoBias deviation_no_bias;    ///< what STD would be if all groups had the same true accuracy
    NoBias error_ratio_no_bias;  ///< the same of SER, from errors + 0.5
};

/// Hybrid intervals: when equality of the groups is not rejected at 2.5 %, the lower limit is the boundary (0, or 1 for
/// SER) and the upper one a percentile; else estimate +- 1.96 standard errors. nullopt below two groups.
[[nodiscard]] std::optional<SpreadIntervals> spread_intervals(const GroupAccuracies& groups);

/// The same for the mean over seeds of each figure: one element per seed, all on the same pairs. Between-seed variance of
/// the figure is added to the standard error (Satterthwaite); equality is tested on the seed means of the accuracies.
[[nodiscard]] std::optional<SpreadIntervals> seed_mean_spread_intervals(std::span<const GroupAccuracies* const> seeds);

/// Two networks on the same pairs, and what each did on them.
struct PairedDecisions {
    std::span<const std::uint8_t> reference;  ///< [pairs] 1: decided rightly
    std::span<const std::uint8_t> treated;
    const GroupAccuracies* reference_accuracies;
    const GroupAccuracies* treated_accuracies;
    double variance_inflation = 1.0;  ///< of the change, by the choice of thresholds
};

/// Mean over seeds of STD(treated) - STD(reference), fractions; one element per seed. nullopt below two groups.
[[nodiscard]] std::optional<Estimate> deviation_change(const PairClusters& clusters, const IdentityBootstrap& bootstrap,
                                                       std::span<const PairedDecisions> seeds);

}  // namespace fairsweep
