#include "words/recipe_axes.hpp"

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

constexpr std::string_view kPrefix = "recipe.";

bool is_list(const RecipeKey& key) { return std::holds_alternative<std::vector<int> Recipe::*>(key.field); }
bool is_number(const RecipeKey& key) {
    return std::holds_alternative<int Recipe::*>(key.field) || std::holds_alternative<double Recipe::*>(key.field);
}

struct Value {
    const Recipe& recipe;
    AxisValue operator()(int Recipe::*field) const { return static_cast<double>(recipe.*field); }
    AxisValue operator()(double Recipe::*field) const { return recipe.*field; }
    AxisValue operator()(bool Recipe::*field) const { return std::string(recipe.*field ? "true" : "false"); }
    AxisValue operator()(std::string Recipe::*field) const { return recipe.*field; }
    AxisValue operator()(std::vector<int> Recipe::*) const { return std::monostate{}; }
};

struct SetValue {
    Recipe& recipe;
    const AxisValue& value;
    void operator()(int Recipe::*field) const { recipe.*field = static_cast<int>(std::get<double>(value)); }
    void operator()(double Recipe::*field) const { recipe.*field = std::get<double>(value); }
    void operator()(bool Recipe::*field) const { recipe.*field = std::get<SharedText>(value).text() == "true"; }
    void operator()(std::string Recipe::*field) const { recipe.*field = std::get<SharedText>(value); }
    void operator()(std::vector<int> Recipe::*) const {}
};

}  // namespace

std::optional<AxisInfo> recipe_axis(std::string_view name) {
    const RecipeKey* key = find_recipe_key(name);
    if (key == nullptr || is_list(*key)) return std::nullopt;
    return AxisInfo{std::string(kPrefix) + key->name, is_number(*key) ? AxisKind::number : AxisKind::word, 0};
}

const RecipeKey& key_of(const AxisInfo& axis) {
    const RecipeKey* key = find_recipe_key(std::string_view(axis.name).substr(kPrefix.size()));
    FAIRSWEEP_CHECK(key != nullptr, "an axis of the recipe is one of its keys");
    return *key;
}

bool is_preset_axis(const AxisInfo& axis) { return axis.name == "recipe.preset"; }

bool is_program_axis(const AxisInfo& axis) { return axis.name == "recipe.program"; }

AxisValue axis_value(const Recipe& recipe, const RecipeKey& key) { return std::visit(Value{recipe}, key.field); }

void apply_recipe_axis(const AxisInfo& axis, const AxisValue& value, Recipe& recipe) {
    const RecipeKey& key = key_of(axis);
    if (key.is_modern && recipe.preset != "modern") return;
    std::visit(SetValue{recipe, value}, key.field);
}

bool applies_to(const AxisInfo& axis, const StageParameters& parameters) { return applies_to_stage(key_of(axis), parameters); }

}  // namespace fairsweep
