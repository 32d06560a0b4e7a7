#pragma once
/// The section [recipe] of a job file.
#include <vector>

#include "fairsweep/sweep.hpp"
#include "job/job_entries.hpp"
#include "words/recipe_keys.hpp"

namespace fairsweep {

/// The entry's value for a key; throws a usage error that says the range or the words when it is wrong.
void check_recipe_value(const JobEntry& entry, const RecipeKey& key, const std::string& text);

/// The keys of [recipe] as written, each with a right value. `may_be_modern`: some network of the sweep has preset "modern",
/// so that its keys may be set. Throws a usage error.
[[nodiscard]] std::vector<RecipeSetting> read_recipe_settings(const JobEntries& entries, bool may_be_modern);

/// The preset's recipe with single keys changed. `may_be_modern` as above, where the section's own preset is another.
/// Throws a usage error for values outside their range.
[[nodiscard]] Recipe read_recipe(const JobEntries& entries, bool may_be_modern = false);

}  // namespace fairsweep
