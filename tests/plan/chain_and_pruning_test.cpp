// Teacher-assistant chains, and the axis `pruning`.
#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "plan/constraint.hpp"
#include "words/pruning_words.hpp"
#include "small_sweep.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::test;

namespace {

const Point& point_with(const Plan& plan, int bits, double sparsity, const std::string& distillation) {
    for (const Point& point : plan.points)
        if (point.arm != Arm::dense && point.axes.bits().weight == bits && point.axes.sparsity() == sparsity &&
            point.axes.distillation() == (point.arm == Arm::sham ? loss_of(distillation) : distillation))
            return point;
    throw std::runtime_error("no such point");
}

/// The stage whose network taught a compression stage.
const Stage& teacher_of(const Plan& plan, const Stage& compression) {
    const Stage& teacher = plan.stages.at(compression.needs.at(1));
    REQUIRE(teacher.kind == StageKind::teacher);
    return plan.stages.at(teacher.needs.at(0));
}

Sweep one_network() {
    Sweep sweep = small_sweep();
    sweep.seeds = {1};
    sweep.values(Axis::architecture) = {"iresnet10-w16-56"};
    sweep.values(Axis::calibration) = {"real"};
    sweep.values(Axis::distillation) = {"embedding-chain"};
    return sweep;
}

std::vector<std::string> prunings_of(const Plan& plan) {
    std::vector<std::string> texts;
    for (const Point& point : plan.points) texts.push_back(point.axes.pruning());
    return texts;
}

}  // namespace

TEST_CASE("in a chain every width is taught by the next larger one of the axis") {
    Sweep sweep = one_network();
    sweep.values(Axis::bits) = {Bits{4, 4}, Bits{32, 32}, Bits{6, 6}, Bits{8, 8}};  // in any order
    sweep.values(Axis::sparsity) = {0.0};
    const Plan plan = make_plan(sweep, present_probe(), "test");
    const auto network = [&plan](int bits) { return plan.stages.at(point_with(plan, bits, 0, "embedding-chain").network_stage); };
    CHECK(teacher_of(plan, network(4)).id == network(6).id);
    CHECK(teacher_of(plan, network(6)).id == network(8).id);
    CHECK(teacher_of(plan, network(8)).kind == StageKind::baseline);
    CHECK(teacher_of(plan, network(32)).kind == StageKind::baseline);
    CHECK(stages_of(plan, StageKind::teacher) == 3);  // of the baseline, of 8 and of 6 bits
    for (std::size_t i = 0; i < plan.stages.size(); ++i)
        for (const StageIndex need : plan.stages[i].needs) CHECK(need < i);
}

TEST_CASE("a chain stays at its sparsity, and sparse float networks are links of it") {
    Sweep sweep = one_network();
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{8, 8}, Bits{4, 8}};
    sweep.values(Axis::sparsity) = {0.0, 0.7};
    const Plan plan = make_plan(sweep, present_probe(), "test");
    const auto network = [&plan](int bits, double sparsity) {
        return plan.stages.at(point_with(plan, bits, sparsity, "embedding-chain").network_stage);
    };
    CHECK(teacher_of(plan, network(4, 0.7)).id == network(8, 0.7).id);
    CHECK(teacher_of(plan, network(8, 0.7)).id == network(32, 0.7).id);
    CHECK(teacher_of(plan, network(32, 0.7)).kind == StageKind::baseline);
    CHECK(teacher_of(plan, network(4, 0)).id == network(8, 0).id);
}

TEST_CASE("a link that the constraints leave out is trained all the same") {
    Sweep sweep = one_network();
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{8, 8}, Bits{4, 4}};
    sweep.values(Axis::sparsity) = {0.0};
    sweep.constraints = {{"bits == 8"}};
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(stages_of(plan, StageKind::compression) == 3);  // sham, 8 as a link, 4
    CHECK(stages_of(plan, StageKind::evaluation) == 3);   // dense, sham, 4
}

TEST_CASE("the sham of a chain is the sham of its loss, trained once; nothing else in the plan changes for it") {
    Sweep sweep = one_network();
    sweep.values(Axis::distillation) = {"embedding"};
    const Plan plain = make_plan(sweep, present_probe(), "test");
    sweep.values(Axis::distillation) = {"embedding-chain"};
    const Plan chain = make_plan(sweep, present_probe(), "test");
    sweep.values(Axis::distillation) = {"embedding", "embedding-chain"};
    const Plan both = make_plan(sweep, present_probe(), "test");
    CHECK(points_of(both, Arm::sham) == 1);
    CHECK(point_with(chain, 32, 0, "embedding-chain").id == point_with(plain, 32, 0, "embedding").id);
    CHECK(both.points.size() == plain.points.size() + chain.points.size() - 2);  // dense and sham are shared
    for (const Plan* one : {&plain, &chain}) {
        for (const Point& point : one->points) {
            CHECK(std::any_of(both.points.begin(), both.points.end(), [&](const Point& p) { return p.id == point.id; }));
        }
    }
}

TEST_CASE("without a chain all are taught by the baseline, through one set of embeddings") {
    Sweep sweep = one_network();
    sweep.values(Axis::distillation) = {"embedding", "cosine", "relational"};
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(stages_of(plan, StageKind::teacher) == 1);
    CHECK(stages_of(plan, StageKind::compression) == 3 * 8);
}

TEST_CASE("values of the axis set the recipe's keys and have one text") {
    Recipe recipe;
    CHECK(pruning_text(recipe) == "global");
    const auto text = [&recipe](const char* value) { return pruning_text(with_pruning_words(recipe, value).value()); };
    CHECK(text("recipe") == "global");
    CHECK(text("global+one-shot") == "global");
    CHECK(text("cubic+layer") == "layer+cubic");
    CHECK(text("prune-first+channels") == "channels+prune-first");
    CHECK(text("2:4") == "2:4");
    for (const char* value : {"", "layer+", "+layer", "layer+global", "layer+layer", "layer cubic", "half", "2:4+channels"})
        CHECK_FALSE(with_pruning_words(recipe, value).has_value());
    recipe.order = "quantise-first";
    CHECK(text("recipe") == "quantise-first");
    CHECK(text("layer") == "layer+quantise-first");
    CHECK(text("together") == "global");
    for (const char* value : {"recipe", "cubic", "together", "2:4+layer+prune-first"}) {
        const Recipe wanted = with_pruning_words(recipe, value).value();
        const Recipe again = with_pruning_text(recipe, pruning_text(wanted));
        for (const PruningKey& key : pruning_keys()) CHECK(again.*(key.field) == wanted.*(key.field));
    }
}

TEST_CASE("the axis multiplies sparse cells only") {
    Sweep sweep = one_network();
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{4, 4}};
    sweep.values(Axis::sparsity) = {0.0, 0.5};
    sweep.values(Axis::pruning) = {"global", "layer+cubic", "2:4"};
    sweep.values(Axis::distillation) = {"embedding"};
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(prunings_of(plan) ==
          std::vector<std::string>{"none", "none", "none", "global", "global", "layer+cubic", "layer+cubic", "2:4", "2:4"});
    CHECK(plan.axes.at(index_of(Axis::pruning)).values == 3);
    const StageParameters last = parse_stage_parameters(plan.stages.at(plan.points.back().network_stage).parameters.text());
    CHECK(last.recipe.sparsity_pattern == "2:4");
    CHECK(last.recipe.order == "together");
    // Orders differ only where there is something to put in order.
    sweep.values(Axis::pruning) = {"together", "prune-first"};
    const Plan ordered = make_plan(sweep, present_probe(), "test");
    CHECK(prunings_of(ordered) == std::vector<std::string>{"none", "none", "none", "global", "global", "prune-first"});
    REQUIRE(ordered.removed.size() == 1);
    CHECK(ordered.removed[0].points == 1);
}

TEST_CASE("2:4 at another sparsity is refused unless a rule leaves it out") {
    Sweep sweep = one_network();
    sweep.values(Axis::distillation) = {"embedding"};
    sweep.values(Axis::sparsity) = {0.5, 0.7};
    sweep.values(Axis::pruning) = {"global", "2:4"};
    CHECK_THROWS_WITH(make_plan(sweep, present_probe(), "test"), ContainsSubstring("2:4"));
    sweep.constraints = {{"pruning == 2:4 and sparsity != 0.5"}};
    CHECK(make_plan(sweep, present_probe(), "test").removed.at(0).points == 4);
    sweep.values(Axis::pruning) = {"2:4+cubic"};
    CHECK_THROWS_WITH(make_plan(sweep, present_probe(), "test"), ContainsSubstring("one-shot"));
    sweep.values(Axis::pruning) = {"nonsense"};
    CHECK_THROWS_AS(make_plan(sweep, present_probe(), "test"), Error);
}

TEST_CASE("rules name a way of pruning in any order of its words") {
    Point point;
    point.axes[Axis::pruning] = "layer+cubic";
    CHECK(ConstraintRule::parse("pruning == cubic+layer", "here").matches(point));
    CHECK_FALSE(ConstraintRule::parse("pruning == layer", "here").matches(point));
    CHECK(ConstraintRule::parse("pruning != none", "here").matches(point));
    point.axes[Axis::pruning] = "2:4";
    CHECK(ConstraintRule::parse("pruning == 2:4", "here").matches(point));
}
