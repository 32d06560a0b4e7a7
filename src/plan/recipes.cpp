#include "plan/recipes.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "words/pruning_words.hpp"
#include "words/recipe_axes.hpp"

namespace fairsweep {
namespace {

std::string digits(const std::string& text) { return sha256(text).short_hex(); }

std::optional<StageParameters> parameters_of(const Stage& stage) {
    try {
        return parse_stage_parameters(stage.parameters.text());
    } catch (const Error&) {
        return std::nullopt;
    }
}

/// The canonical text with axes, data and seed at fixed values.
std::string recipe_text(StageParameters parameters) {
    parameters.architecture.clear();
    parameters.data = {};
    parameters.seed = 0;
    parameters.distillation.clear();
    parameters.training_data = parameters.evaluation_data = {};
    for (std::string* word : {&parameters.training_set, &parameters.calibration, &parameters.pruning, &parameters.arm})
        word->clear();
    return canonical_text(parameters);
}

/// Unpruned. A program may be told how to prune where nothing is pruned.
void drop_pruning(StageParameters& parameters) {
    parameters.sparsity = 0.0;
    for (const PruningKey& key : pruning_keys()) parameters.recipe.*(key.field) = Recipe{}.*(key.field);
}

/// The same fine-tune with compression off.
StageParameters sham_of(StageParameters parameters) {
    parameters.bits = {};
    drop_pruning(parameters);
    return parameters;
}

/// The same quantisers at any width, unpruned: which keys a stage has depends only on what is quantised.
StageParameters quantisers_of(StageParameters parameters) {
    constexpr int kAnyWidth = 8;
    if (parameters.bits.weight != 32) parameters.bits.weight = kAnyWidth;
    if (parameters.bits.activation != 32) parameters.bits.activation = kAnyWidth;
    drop_pruning(parameters);
    return parameters;
}

/// Bits and quantisers of the compressed network that teaches, and of those that taught it: empty where the baseline teaches.
std::string chain_text(const Plan& plan, const Stage& network) {
    for (const StageIndex need : network.needs) {
        if (plan.stages[need].kind != StageKind::teacher) continue;
        for (const StageIndex taught_by : plan.stages[need].needs) {
            const Stage& teacher = plan.stages[taught_by];
            const auto parameters = teacher.kind == StageKind::compression ? parameters_of(teacher) : std::nullopt;
            if (parameters) return parameters->bits.text() + recipe_text(quantisers_of(*parameters)) + chain_text(plan, teacher);
        }
    }
    return {};
}

/// What is left of parameters in another form when the axes are struck.
std::string unread_recipe(const Stage& stage) {
    nlohmann::json json = nlohmann::json::parse(stage.parameters.text(), nullptr, false);
    if (!json.is_object()) return digits(stage.parameters.text());
    for (const char* axis : {"architecture", "data", "seed", "bits_weight", "bits_activation", "sparsity", "distillation",
                             "training_data", "evaluation_data", "training_set", "calibration", "pruning", "arm"})
        json.erase(axis);
    return digits(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string baseline_recipe(const Stage& stage) {
    const auto parameters = parameters_of(stage);
    return parameters ? digits(recipe_text(*parameters)) : unread_recipe(stage);
}

const Stage* baseline_of(const Plan& plan, const Stage& network) {
    if (network.kind == StageKind::baseline) return &network;
    for (const StageIndex need : network.needs)
        if (plan.stages[need].kind == StageKind::baseline) return &plan.stages[need];
    return nullptr;
}

/// Of the point's network, else of what that was made from.
AxisValue recipe_value(const Plan& plan, const Point& point, const AxisInfo& axis) {
    const Stage& network = plan.stages[point.network_stage];
    std::vector<const Stage*> stages{&network};
    for (const StageIndex need : network.needs) stages.push_back(&plan.stages[need]);
    for (const Stage* stage : stages) {
        const auto parameters = parameters_of(*stage);
        if (parameters && applies_to(axis, *parameters)) return axis_value(parameters->recipe, key_of(axis));
    }
    return {};
}

}  // namespace

AxisValues axes_among(const std::vector<AxisInfo>& axes, const std::vector<std::size_t>& places, const Plan& plan,
                      const Point& point) {
    AxisValues values = point.axes.placed_at(places, axes.size());
    for (std::size_t axis = count_of<Axis>; axis < axes.size(); ++axis) {
        if (std::find(places.begin(), places.end(), axis) == places.end()) values[axis] = recipe_value(plan, point, axes[axis]);
    }
    return values;
}

Recipes recipes_of(const Plan& plan, const Stage& network) {
    Recipes recipes;
    const Stage* const baseline = baseline_of(plan, network);
    if (baseline != nullptr) recipes.baseline = baseline_recipe(*baseline);
    if (&network == baseline) return recipes;
    const auto parameters = parameters_of(network);
    if (!parameters) {
        recipes.finetune = unread_recipe(network);
        return recipes;
    }
    const std::string sham = recipe_text(sham_of(*parameters));
    recipes.finetune = digits(sham);
    // A program that starts from no baseline of ours is its own, in every arm.
    if (baseline == nullptr) recipes.baseline = recipes.finetune;
    const std::string own = recipe_text(quantisers_of(*parameters)) + chain_text(plan, network);
    if (own != sham) recipes.compression = digits(own);
    return recipes;
}

}  // namespace fairsweep
