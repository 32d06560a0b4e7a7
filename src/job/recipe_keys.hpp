#pragma once
/// The keys of [recipe]: one per field of Recipe, with its range.
#include <string>
#include <variant>
#include <vector>

#include "fairsweep/sweep.hpp"
#include "job/job_entries.hpp"

namespace fairsweep {

enum class Bounds { closed, open_below, open_above };  ///< which end is outside the range

struct RecipeKey {
    const char* name;
    std::variant<int Recipe::*, double Recipe::*, bool Recipe::*, std::string Recipe::*> field;
    double low = 0;
    double high = 1;
    Bounds bounds = Bounds::closed;
    std::vector<std::string> words{};  ///< values of a text field
};

/// Values of the key `preset`.
[[nodiscard]] const std::vector<std::string>& preset_names();
/// The keys that every preset has: all but `preset` and `baseline_milestones`.
[[nodiscard]] const std::vector<RecipeKey>& common_keys();
/// Those of preset "modern" alone: "quantface" is fixed.
[[nodiscard]] const std::vector<RecipeKey>& modern_keys();

/// Names of all keys, `preset` first.
[[nodiscard]] const std::vector<std::string>& recipe_key_names();

/// The preset's recipe with single keys changed. Throws a usage error for values outside their range.
[[nodiscard]] Recipe read_recipe(const JobEntries& entries);

}  // namespace fairsweep
