// Every compressed point has a sham twin, under every preset and whatever single key of the recipe is changed; and no key that
// changes a network goes unnoticed when points are told apart.
#include <algorithm>
#include <string>
#include <vector>

#include "fairsweep/text.hpp"
#include "job/job.hpp"
#include "plan/make_plan.hpp"
#include "plan/recipes.hpp"
#include "plan/small_sweep.hpp"
#include "support/catch.hpp"
#include "words/recipe_keys.hpp"

using namespace fairsweep;
using namespace fairsweep::test;

namespace {

const std::string kJob = R"(
[sweep]
name = twins
[axes]
architecture = iresnet10-w16-56
training_set = faces
bits         = 32, 8, w4a8, w4a32, w32a8
calibration  = real, synthetic
sparsity     = 0, 0.5
distillation = embedding, embedding-chain
)" + std::string(kSmallSweepData);

/// Points and their recipes.
struct Planned {
    Plan plan;
    std::vector<Recipes> recipes;
    [[nodiscard]] const Digest& network(std::size_t point) const { return plan.stages[plan.points[point].network_stage].id; }
};

Planned planned(const std::vector<std::string>& overrides) {
    Planned result{make_plan(parse_job(kJob, "twins.cfg", overrides), present_probe(), "test"), {}};
    for (const Point& point : result.plan.points)
        result.recipes.push_back(recipes_of(result.plan, result.plan.stages[point.network_stage]));
    return result;
}

bool is_twin(const Point& sham, const Point& compressed) {
    return sham.arm == Arm::sham && sham.axes.architecture() == compressed.axes.architecture() &&
           sham.axes.training_set() == compressed.axes.training_set() &&
           sham.axes.calibration() == compressed.axes.calibration() && sham.seed == compressed.seed &&
           sham.axes.distillation() == loss_of(compressed.axes.distillation());
}

std::size_t points_without_twin(const Planned& all) {
    std::size_t alone = 0;
    for (std::size_t i = 0; i < all.plan.points.size(); ++i) {
        if (all.plan.points[i].arm != Arm::compressed) continue;
        bool found = false;
        for (std::size_t s = 0; s < all.plan.points.size(); ++s) {
            found =
                found || (is_twin(all.plan.points[s], all.plan.points[i]) && all.recipes[s].baseline == all.recipes[i].baseline &&
                          all.recipes[s].finetune == all.recipes[i].finetune);
        }
        alone += found ? 0 : 1;
    }
    return alone;
}

/// A legal value of the key that is not the recipe's.
struct OtherValue {
    const Recipe& recipe;
    const RecipeKey& key;
    std::string operator()(int Recipe::*field) const {
        const int low = static_cast<int>(key.low);
        return std::to_string(recipe.*field == low ? low + 1 : low);
    }
    std::string operator()(double Recipe::*field) const {
        const double middle = (key.low + key.high) / 2;
        return exact_number(recipe.*field == middle ? middle * 1.125 : middle);
    }
    std::string operator()(bool Recipe::*field) const { return recipe.*field ? "false" : "true"; }
    std::string operator()(std::vector<int> Recipe::*) const { return "3, 5"; }
    std::string operator()(std::string Recipe::*field) const {
        return *std::find_if(key.words.begin(), key.words.end(), [&](const std::string& w) { return w != recipe.*field; });
    }
};

std::vector<RecipeKey> keys_of(const std::string& preset) {
    std::vector<RecipeKey> keys(recipe_keys().begin() + 1, recipe_keys().end());  // the preset is `preset`
    std::erase_if(keys, [&preset](const RecipeKey& key) {
        const std::string name = key.name;
        const bool has_one_value = name == "program";  // without a program in the job
        return has_one_value || (key.is_modern && preset != "modern");
    });
    return keys;
}

/// How many points have another network than before without another recipe or way of pruning.
std::size_t changed_unnoticed(const Planned& before, const Planned& after) {
    std::size_t unnoticed = 0;
    for (std::size_t i = 0; i < before.plan.points.size(); ++i) {
        const bool changed = before.network(i) != after.network(i);
        const bool noticed =
            before.recipes[i] != after.recipes[i] || before.plan.points[i].axes.pruning() != after.plan.points[i].axes.pruning();
        unnoticed += changed && !noticed ? 1 : 0;
    }
    return unnoticed;
}

}  // namespace

TEST_CASE("every compressed point has a sham twin under every preset and with every key of the recipe changed") {
    for (const std::string& preset : find_recipe_key("preset")->words) {
        const std::string chosen = "recipe.preset=" + preset;
        const Planned usual = planned({chosen});
        INFO("preset " << preset);
        CHECK(std::count_if(usual.plan.points.begin(), usual.plan.points.end(), [](const Point& p) {
                  return p.arm == Arm::sham;
              }) == 2);  // one per calibration, for both distillations
        CHECK(points_without_twin(usual) == 0);
        const Recipe recipe = parse_job(kJob, "twins.cfg", {chosen}).recipe;
        for (const RecipeKey& key : keys_of(preset)) {
            const std::string override_text =
                "recipe." + std::string(key.name) + "=" + std::visit(OtherValue{recipe, key}, key.field);
            INFO(override_text);
            const Planned changed = planned({chosen, override_text});
            REQUIRE(changed.plan.points.size() == usual.plan.points.size());
            CHECK(points_without_twin(changed) == 0);
            CHECK(changed_unnoticed(usual, changed) == 0);
        }
    }
}

TEST_CASE("keys of quantisers alone leave a recipe's fine-tune as it is, and are its compression") {
    const Planned usual = planned({"recipe.preset=modern"});
    for (const char* key : {"observer_steps=7", "weight_grid=asymmetric", "edge_bits=4"}) {
        const Planned changed = planned({"recipe.preset=modern", std::string("recipe.") + key});
        for (std::size_t i = 0; i < usual.plan.points.size(); ++i) {
            CHECK(usual.recipes[i].finetune == changed.recipes[i].finetune);
            const bool has_key = usual.network(i) != changed.network(i);
            CHECK((usual.recipes[i].compression != changed.recipes[i].compression) == has_key);
            if (usual.plan.points[i].axes.bits().is_float()) CHECK(changed.recipes[i].compression == kNoRecipe);
        }
    }
}

TEST_CASE("equal recipes have equal names over widths, sparsities, calibrations and seeds") {
    const Planned all = planned({"sweep.seeds=1,2", "axes.bits=32,8,w4a8", "axes.distillation=embedding"});
    for (std::size_t i = 0; i < all.recipes.size(); ++i) {
        const Point& point = all.plan.points[i];
        CHECK(all.recipes[i].baseline == all.recipes[0].baseline);
        CHECK(all.recipes[i].finetune == (point.arm == Arm::dense ? kNoRecipe : all.recipes.back().finetune));
        CHECK(all.recipes[i].compression == (point.axes.bits().is_float() ? kNoRecipe : all.recipes.back().compression));
    }
}

TEST_CASE("chains over other widths are other recipes") {
    const Planned one = planned({"axes.bits=32,8,4"}), other = planned({"axes.bits=32,6,4"});
    const auto last_of = [](const Planned& all) { return all.recipes.back(); };  // 4 bits, pruned, taught by the chain
    CHECK(last_of(one).finetune == last_of(other).finetune);
    CHECK(last_of(one).compression != last_of(other).compression);
}

TEST_CASE("parameters of another version are told apart by all that is no axis") {
    Planned all = planned({});
    Stage& stage = all.plan.stages[all.plan.points.back().network_stage];
    const auto finetune_with = [&](const std::string& parameters) {
        stage.parameters = parameters;
        return recipes_of(all.plan, stage).finetune;
    };
    CHECK(finetune_with(R"({"bits_weight":4,"new":1,"seed":1})") == finetune_with(R"({"bits_weight":8,"new":1,"seed":2})"));
    CHECK(finetune_with(R"({"bits_weight":4,"new":1,"seed":1})") != finetune_with(R"({"bits_weight":4,"new":2,"seed":1})"));
    CHECK(finetune_with("no JSON") != finetune_with("none either"));
}
