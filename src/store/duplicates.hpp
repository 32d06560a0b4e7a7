#pragma once
/// Points that more than one store holds as done, compared: the same id promises the same result only on one machine, and a
/// merge keeps one of them.
#include <cstddef>
#include <string>

#include "fairsweep/plan.hpp"
#include "store/store.hpp"

namespace fairsweep {

struct DuplicateComparison {
    std::size_t compared = 0;    ///< pairs of results for one point
    std::size_t differ = 0;      ///< of them: other scores or other accuracies
    std::size_t unreadable = 0;  ///< the scores that are not kept are missing or damaged: not compared
    double largest_score_difference = 0.0;
    double largest_accuracy_difference = 0.0;  ///< percentage points, ten-fold, over groups
    Digest largest_point;                      ///< where the largest difference in accuracy (else in a score) is
    std::string largest_group;                 ///< empty: accuracies are equal
};

/// Adds one point, done in both stores; `kept` is the one whose result the merge takes.
void compare_results(const StoreReader& kept, const StoreReader& other, const Digest& point, DuplicateComparison& comparison);

/// One sentence for people, empty when nothing differs. `sources`: the stores as they were named, in order.
[[nodiscard]] std::string difference_text(const DuplicateComparison& comparison, const std::string& sources);

}  // namespace fairsweep
