#pragma once
#include <string>
#include <vector>

#include "plan/make_plan.hpp"

namespace fairsweep {

/// The classes of the evaluation set, whose data and points are in `plan`; none where the task has none, or the set is missing.
/// Throws a usage error for classes that a sweep cannot have (fewer than two, names that cannot name columns, more responses than
/// a row holds), for a training set with others, and for a set with classes as the training set of a task without.
[[nodiscard]] std::vector<std::string> planned_classes(const Sweep& sweep, const Plan& plan, const DataProbe& probe);

}  // namespace fairsweep
