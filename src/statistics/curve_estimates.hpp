#pragma once
/// Intervals of the figures of a whole curve, EER and AUC, of one group.
#include <cstdint>
#include <span>
#include <vector>

#include "statistics/contrast.hpp"

namespace fairsweep {

/// What each pair of a group adds to the error of the group's EER and AUC; sums to zero. [pairs of the group]
struct CurveInfluence {
    std::vector<double> eer;
    std::vector<double> auc;
};

/// `scores` and `genuine` [pairs of the group]; there must be pairs of both kinds. AUC: placements (DeLong, 1988). EER: where
/// the curves cross, residuals of FMR and FNMR weighted by the other curve's slope, a secant over the width of the EER's
/// own interval.
[[nodiscard]] CurveInfluence curve_influence(std::span<const double> scores, std::span<const std::uint8_t> genuine);

/// `value`: a fraction over a group's pairs; `influence` [pairs of the table], zero outside the group. Wilson with the dyadic
/// variance, or that of independent pairs where it is larger; people count as trials where the value is 0 or 1.
[[nodiscard]] Interval curve_interval(const PairClusters& clusters, std::uint32_t group, double value,
                                      std::span<const double> influence);

}  // namespace fairsweep
