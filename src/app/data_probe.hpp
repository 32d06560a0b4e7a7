#pragma once
#include "plan/make_plan.hpp"

namespace fairsweep {

/// What make_plan asks about data sets, answered by the readers of the data room. The answers throw data errors for sets
/// that are there but damaged, usage errors for unknown formats and for those that the task cannot be evaluated on.
[[nodiscard]] DataProbe data_probe(const std::string& task);

}  // namespace fairsweep
