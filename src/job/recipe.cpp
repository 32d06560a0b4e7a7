#include "job/recipe.hpp"

#include "job/values.hpp"

namespace fairsweep {
namespace {

std::string shown(const std::string& text) { return text.empty() ? "nothing" : "'" + text + "'"; }

}  // namespace

void check_recipe_value(const JobEntry& entry, const RecipeKey& key, const std::string& text) {
    Recipe recipe;
    const auto expected = set_recipe_key(recipe, key, text);
    if (expected) refuse_value(entry, shown(text), *expected, suggestion(text, key.words));
}

std::vector<RecipeSetting> read_recipe_settings(const JobEntries& entries, bool may_be_modern) {
    std::vector<RecipeSetting> settings;
    for (const JobEntry& entry : entries.all()) {
        if (entry.section != "recipe") continue;
        const RecipeKey& key = *find_recipe_key(entry.key);
        if (key.is_modern && !may_be_modern)
            refuse_value(entry, "'" + entry.key + "' with preset quantface", "preset = modern",
                         "the preset quantface is fixed: it computes what the reference does");
        check_recipe_value(entry, key, entry.value);
        settings.push_back({entry.key, entry.value});
    }
    return settings;
}

Recipe read_recipe(const JobEntries& entries, bool may_be_modern) {
    const JobEntry* preset = entries.find("recipe", "preset");
    if (preset != nullptr) check_recipe_value(*preset, recipe_keys().front(), preset->value);
    const std::string name = preset == nullptr ? Recipe{}.preset : preset->value;
    return make_recipe(name, read_recipe_settings(entries, may_be_modern || name == "modern"));
}

}  // namespace fairsweep
