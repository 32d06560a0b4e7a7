#pragma once
/// All figures of a verification set from its scores, group by group: what the evaluation stage puts into its row.
#include <optional>
#include <span>
#include <vector>

#include "fairsweep/items.hpp"
#include "fairsweep/verification.hpp"
#include "metrics/ten_fold.hpp"

namespace fairsweep {

struct VerificationFigures {
    double pooled_threshold = 0.0;     ///< one for all groups: the smallest observed score with the highest pooled accuracy
    std::vector<GroupFigures> groups;  ///< one per ItemTable::groups; undefined figures are NaN
};

/// `scores` [pairs] are similarities in the order of `pairs`. Throws a data error when a score is not finite, when their
/// number is not that of the pairs, or when there are none.
[[nodiscard]] VerificationFigures verification_figures(const ItemTable& pairs, std::span<const float> scores);

/// The same of scores of any kind: without cosines (scores outside [-1, 1]) nothing of the ten-fold protocol is defined. `folds`
/// [groups]: empty for ten contiguous ones. `ten_fold`, where it is not null, gets [groups] the decisions, empty where undefined.
[[nodiscard]] VerificationFigures verification_figures(const ItemTable& pairs, std::span<const double> scores,
                                                       std::span<const FoldBounds> folds,
                                                       std::vector<std::optional<TenFold>>* ten_fold);

}  // namespace fairsweep
