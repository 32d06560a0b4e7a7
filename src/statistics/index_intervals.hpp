#pragma once
/// Intervals of the fairness indices at one threshold (FDR, IR, GARBE), and what chance alone would make of them.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "statistics/spread.hpp"
#include "statistics/threshold_uncertainty.hpp"

namespace fairsweep {

/// An index is not defined where a group expects fewer errors of a kind, were it as good as all groups together.
inline constexpr double kFewestGroupErrors = 3.0;

/// Group rates at one threshold; replicates hold how people and the choice of the threshold move them.
struct RatesAtThreshold {
    std::vector<RateEstimate> fmr, fnmr;                               ///< [groups] the threshold taken as given
    std::vector<std::vector<double>> fmr_deviations, fnmr_deviations;  ///< [groups][replicates]
};

/// At a threshold with pooled FMR <= x. Every group must have both kinds of pairs.
[[nodiscard]] RatesAtThreshold rates_at_fmr(const PairClusters& clusters, const IdentityBootstrap& bootstrap, const AtFmr& at,
                                            std::span<const std::uint8_t> wrong);

/// At the most accurate threshold, which lies in a range: `wrong_at_low` and `wrong_at_high` [pairs] at its ends.
[[nodiscard]] RatesAtThreshold rates_at_accuracy(const PairClusters& clusters, const IdentityBootstrap& bootstrap,
                                                 std::span<const std::uint8_t> wrong, std::span<const std::uint8_t> wrong_at_low,
                                                 std::span<const std::uint8_t> wrong_at_high);

/// Why the indices are not defined at a threshold.
enum class IndexFault {
    none,
    one_group,
    few_false_matches,      ///< a group expects fewer than kFewestGroupErrors
    few_false_non_matches,  ///< the same
    all_match,              ///< every group has FMR 1
    none_match,             ///< every group has FNMR 1
};
[[nodiscard]] IndexFault index_fault(const RatesAtThreshold& rates);
[[nodiscard]] const char* text_of(IndexFault fault);

/// alpha 0.5 everywhere. The 95th percentile of `fdr_no_bias` is the value that chance alone keeps above in 95 % of cases,
/// since 1 is fair there; that of the others the value that it keeps below.
struct IndexIntervals {
    Interval fdr, ir, garbe;  ///< ir from errors + 0.5, so defined where IR is not
    NoBias fdr_no_bias, ir_no_bias, garbe_no_bias;
};

/// Of the mean over seeds of each index; one element per seed, at least one, all on the same pairs with two groups or more.
/// `seed` keys the draws of the no-bias reference. The limit on the fair side is the boundary unless equality of the FMRs or
/// FNMRs is rejected (2.5 % for both together); what is not rejected counts as equal there.
[[nodiscard]] IndexIntervals index_intervals(std::span<const RatesAtThreshold* const> seeds, std::uint64_t seed);

}  // namespace fairsweep
