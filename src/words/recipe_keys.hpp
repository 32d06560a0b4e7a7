#pragma once
/// The keys of a recipe: one row per field of Recipe, with its range or its words, and with the stages whose results depend
/// on it. Whatever lists keys (job files, the canonical text of stages, axes, tables) loops over this table.
///
/// A new key: a field in Recipe whose default is what was done without it, a row here marked `came_later`, and the code that
/// reads the field.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fairsweep/stage_parameters.hpp"
#include "fairsweep/sweep.hpp"

namespace fairsweep {

using RecipeField =
    std::variant<std::string Recipe::*, int Recipe::*, double Recipe::*, bool Recipe::*, std::vector<int> Recipe::*>;

struct RecipeKey {
    enum class Ends { closed, open_below, open_above };  ///< which end is outside the range

    const char* name;
    RecipeField field;
    /// Whether the result of a stage depends on it: then it is in the stage's canonical text and so in its id. May look at
    /// bits and sparsity and at keys that stand above it. Not asked of programs: see applies_to_stage().
    bool (*applies)(const StageParameters&);
    double low = 0;
    double high = 1;
    Ends ends = Ends::closed;
    std::vector<std::string> words{};  ///< values of a text field; none: any name (which there are is known elsewhere)
    bool is_modern = false;            ///< of preset "modern" alone: "quantface" is fixed and does not read it
    /// Not in the canonical text where it has the default of Recipe, so that stages from before there was such a key keep
    /// their ids. The default of such a field must never change.
    bool came_later = false;
};

/// All keys, `preset` first.
[[nodiscard]] std::span<const RecipeKey> recipe_keys();
[[nodiscard]] const RecipeKey* find_recipe_key(std::string_view name);
[[nodiscard]] const std::vector<std::string>& recipe_key_names();

/// Whether the result of the stage depends on the key; of a user's program: whether its command names it.
[[nodiscard]] bool applies_to_stage(const RecipeKey& key, const StageParameters& parameters);

/// Sets the field. Returns nothing when the text was right, else what is expected in its place.
[[nodiscard]] std::optional<std::string> set_recipe_key(Recipe& recipe, const RecipeKey& key, const std::string& text);
/// The field's value as a job file says it.
[[nodiscard]] std::string recipe_text(const Recipe& recipe, const RecipeKey& key);

/// The recipe that a preset stands for. `preset` is one of the words of that key.
[[nodiscard]] Recipe preset_recipe(const std::string& preset);

/// The preset's recipe with the settings that it reads; keys of "modern" alone are passed over under another preset.
/// The settings are right one by one (set_recipe_key).
[[nodiscard]] Recipe make_recipe(const std::string& preset, std::span<const RecipeSetting> settings);

/// Throws a usage error when the batch of that key cannot be cut into recipe.shards equal parts of at least two images: each has
/// BatchNorm statistics of its own.
void check_shards(const Recipe& recipe, const char* batch_key);
/// Throws a usage error when the precision of that key is one that recipe.device has not.
void check_precision(const Recipe& recipe, const char* key);

}  // namespace fairsweep
