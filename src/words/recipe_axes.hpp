#pragma once
/// Keys of the recipe as axes of a sweep: "recipe.finetune_lr".
#include <optional>
#include <string_view>

#include "fairsweep/axis.hpp"
#include "words/recipe_keys.hpp"

namespace fairsweep {

/// "finetune_lr" as an axis; nothing for an unknown key and for one whose value is a list.
[[nodiscard]] std::optional<AxisInfo> recipe_axis(std::string_view key);
/// The key that an axis of recipe_axis() stands for.
[[nodiscard]] const RecipeKey& key_of(const AxisInfo& axis);
[[nodiscard]] bool is_preset_axis(const AxisInfo& axis);
[[nodiscard]] bool is_program_axis(const AxisInfo& axis);

/// The field's value as a value of its axis.
[[nodiscard]] AxisValue axis_value(const Recipe& recipe, const RecipeKey& key);
/// Sets the key to a value that axis_value() could have made. Keys of preset "modern" alone are left under another preset.
void apply_recipe_axis(const AxisInfo& axis, const AxisValue& value, Recipe& recipe);

/// Whether the result of the stage depends on the axis.
[[nodiscard]] bool applies_to(const AxisInfo& axis, const StageParameters& parameters);

}  // namespace fairsweep
