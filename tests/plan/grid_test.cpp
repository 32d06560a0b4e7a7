// Axes of the recipe, several blocks and zipped axes.
#include "plan/grid.hpp"

#include <map>
#include <string>
#include <vector>

#include "fairsweep/stage_parameters.hpp"
#include "plan/recipes.hpp"
#include "small_sweep.hpp"
#include "support/catch.hpp"
#include "words/recipe_axes.hpp"

using namespace fairsweep;
using namespace fairsweep::test;

namespace {

Sweep one_network() {
    Sweep sweep = small_sweep();
    sweep.seeds = {1};
    sweep.values(Axis::architecture) = {"iresnet10-w16-56"};
    sweep.values(Axis::calibration) = {"real"};
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{8, 8}};
    sweep.values(Axis::sparsity) = {0.0};
    return sweep;
}

void add_axis(Sweep& sweep, const char* key, std::vector<AxisValue> values) {
    sweep.axes.push_back(recipe_axis(key).value());
    for (AxisBlock& block : sweep.blocks) block.values.push_back(values);
}

std::vector<std::string> texts_of(const Plan& plan, std::size_t axis) {
    std::vector<std::string> texts;
    for (const Point& point : plan.points) texts.push_back(std::string(name_of(point.arm)) + " " + text_of(point.axes[axis]));
    return texts;
}

}  // namespace

TEST_CASE("a fine-tune's key as an axis shares every baseline, and has no part in dense points") {
    Sweep sweep = one_network();
    add_axis(sweep, "finetune_lr", {0.1, 0.05});
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(texts_of(plan, count_of<Axis>) ==
          std::vector<std::string>{"dense none", "sham 0.1", "compressed 0.1", "sham 0.05", "compressed 0.05"});
    CHECK(stages_of(plan, StageKind::baseline) == 1);
    CHECK(stages_of(plan, StageKind::teacher) == 1);
    CHECK(stages_of(plan, StageKind::compression) == 4);
    CHECK(plan.axes.back().values == 2);
    const auto rate_of = [&](std::size_t point) {
        return parse_stage_parameters(plan.stages[plan.points[point].network_stage].parameters.text()).recipe.finetune_lr;
    };
    CHECK(rate_of(1) == 0.1);
    CHECK(rate_of(4) == 0.05);
}

TEST_CASE("a key of quantisers as an axis shares the sham point") {
    Sweep sweep = one_network();
    add_axis(sweep, "observer_steps", {10.0, 20.0});
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(texts_of(plan, count_of<Axis>) ==
          std::vector<std::string>{"dense none", "sham none", "compressed 10", "compressed 20"});
}

TEST_CASE("a key of the baseline as an axis splits everything") {
    Sweep sweep = one_network();
    add_axis(sweep, "margin_rad", {0.2, 0.3});
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(stages_of(plan, StageKind::baseline) == 2);
    CHECK(points_of(plan, Arm::dense) == 2);
    CHECK(points_of(plan, Arm::sham) == 2);
    CHECK(plan.points.size() == 6);
}

TEST_CASE("augmentation as an axis: baselines and what follows them differ, prepared faces are shared, none is what it was") {
    const Plan without = make_plan(one_network(), present_probe(), "test");
    Sweep sweep = one_network();
    add_axis(sweep, "augmentation", {"none", "light", "strong"});
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(texts_of(plan, count_of<Axis>) == std::vector<std::string>{"dense none", "sham none", "compressed none", "dense light",
                                                                     "sham light", "compressed light", "dense strong",
                                                                     "sham strong", "compressed strong"});
    CHECK(stages_of(plan, StageKind::prepare) == 1);
    for (const StageKind kind : {StageKind::baseline, StageKind::teacher}) CHECK(stages_of(plan, kind) == 3);
    CHECK(stages_of(plan, StageKind::compression) == 6);
    REQUIRE(without.points.size() == 3);
    for (std::size_t i = 0; i < plan.points.size(); ++i) {
        if (i < 3) CHECK(plan.points[i].id == without.points[i].id);
        const Stage& network = plan.stages[plan.points[i].network_stage];
        if (plan.points[i].arm == Arm::dense) {
            CHECK(parse_stage_parameters(network.parameters.text()).recipe.augmentation ==
                  text_of(plan.points[i].axes[count_of<Axis>]));
        } else {  // the fine-tune is the same, its baseline is not
            CHECK(network.parameters == plan.stages[plan.points[i % 3].network_stage].parameters);
            CHECK(network.needs.front() == plan.points[i - i % 3].network_stage);
        }
    }
}

TEST_CASE("presets side by side: each brings its own defaults, single keys hold for both") {
    Sweep sweep = one_network();
    sweep.recipe_settings = {{"finetune_steps", "40"}, {"baseline_epochs", "6"}, {"batch_norm", "live"}};
    sweep.recipe = make_recipe("quantface", sweep.recipe_settings);
    add_axis(sweep, "preset", {"quantface", "modern"});
    add_axis(sweep, "weight_range", {"learned", "minmax"});
    const Plan plan = make_plan(sweep, present_probe(), "test");
    // quantface: dense, sham, 8 bits; modern: dense, sham, 8 bits with either range.
    CHECK(plan.points.size() == 7);
    std::map<std::string, int> networks;
    for (const Point& point : plan.points) {
        if (point.arm != Arm::compressed) continue;
        const Recipe recipe = parse_stage_parameters(plan.stages[point.network_stage].parameters.text()).recipe;
        ++networks[recipe.preset + " " + text_of(point.axes[count_of<Axis> + 1])];
        CHECK(recipe.finetune_steps == 40);
        CHECK(recipe.dropout == (recipe.preset == "modern" ? 0.0 : 0.4));
        if (recipe.preset == "modern") CHECK(recipe.batch_norm == "live");
    }
    CHECK(networks == std::map<std::string, int>{{"quantface none", 1}, {"modern learned", 1}, {"modern minmax", 1}});
}

TEST_CASE("zipped axes are walked together") {
    Sweep sweep = one_network();
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{8, 8}, Bits{4, 4}};
    sweep.values(Axis::sparsity) = {0.0, 0.5, 0.9};
    sweep.blocks.front().zipped = {{index_of(Axis::sparsity), index_of(Axis::bits)}};
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(texts_of(plan, index_of(Axis::bits)) ==
          std::vector<std::string>{"dense 32", "sham 32", "compressed 8", "compressed 4"});
    CHECK(texts_of(plan, index_of(Axis::sparsity)) ==
          std::vector<std::string>{"dense 0", "sham 0", "compressed 0.5", "compressed 0.9"});
    CHECK(grid_size(sweep) == 3);
}

TEST_CASE("zipped with a key of the recipe, every compressed point has its sham twin") {
    Sweep sweep = one_network();
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{8, 8}};
    add_axis(sweep, "finetune_lr", {0.1, 0.05});
    sweep.blocks.front().zipped = {{index_of(Axis::bits), count_of<Axis>}};
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(texts_of(plan, count_of<Axis>) == std::vector<std::string>{"dense none", "sham 0.1", "sham 0.05", "compressed 0.05"});
}

TEST_CASE("the points of several blocks are united, and each stands once") {
    Sweep sweep = one_network();
    AxisBlock other = sweep.blocks.front();
    other.values[index_of(Axis::bits)] = {Bits{8, 8}, Bits{4, 4}};
    sweep.blocks.push_back(other);
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(texts_of(plan, index_of(Axis::bits)) ==
          std::vector<std::string>{"dense 32", "sham 32", "compressed 8", "compressed 4"});
    CHECK(plan.removed.empty());
    CHECK(plan.axes[index_of(Axis::bits)].values == 3);
}

TEST_CASE("a point of a sweep without an axis has its recipe's value among the axes of several sweeps") {
    const Sweep plain = small_sweep();
    const Plan plan = make_plan(plain, present_probe(), "test");
    std::vector<AxisInfo> axes = plan.axes;
    axes.push_back(*recipe_axis("dropout"));
    axes.push_back(*recipe_axis("baseline_epochs"));
    const std::vector<std::size_t> places = unite_axes(axes, plan.axes);
    for (const Point& point : plan.points) {
        const AxisValues values = axes_among(axes, places, plan, point);
        CHECK(values[count_of<Axis> + 1] == AxisValue{static_cast<double>(plain.recipe.baseline_epochs)});
        CHECK(values[count_of<Axis>] == (point.arm == Arm::dense ? AxisValue{} : AxisValue{plain.recipe.dropout}));
        CHECK(values.architecture() == point.axes.architecture());
    }
}
