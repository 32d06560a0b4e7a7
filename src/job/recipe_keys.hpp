#pragma once
/// The keys of [recipe]: one per field of Recipe, with its range.
#include <string>
#include <vector>

#include "fairsweep/sweep.hpp"
#include "job/job_entries.hpp"

namespace fairsweep {

/// Names of all keys, `preset` first.
[[nodiscard]] const std::vector<std::string>& recipe_key_names();

/// The preset's recipe with single keys changed. Throws a usage error for values outside their range.
[[nodiscard]] Recipe read_recipe(const JobEntries& entries);

}  // namespace fairsweep
