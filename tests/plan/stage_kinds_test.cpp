/// Whatever there is one of for each kind of stage: a kind that lacks its part fails here, whoever adds it.
#include "plan/stage_kinds.hpp"

#include <algorithm>
#include <set>

#include "plan/describe_stage.hpp"
#include "plan/estimate.hpp"
#include "small_sweep.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::test;

namespace {

/// With every measurement that points can have.
Sweep full_sweep() {
    Sweep sweep = small_sweep();
    for (const StageKind kind : all_of<StageKind>()) {
        if (info_of(kind).measures_points && kind != StageKind::evaluation) sweep.measurements.push_back(kind);
    }
    return sweep;
}

/// Half of its points with networks of a program.
Sweep full_sweep_with_program() {
    Sweep sweep = full_sweep();
    sweep.programs["own"].command = "train {baseline} {bits} {seed} {artefact}";
    sweep.axes.push_back({"recipe.program", AxisKind::word, 0});
    sweep.blocks.front().values.push_back({std::string("none"), std::string("own")});
    return sweep;
}

}  // namespace

TEST_CASE("every kind of stage has a whole row in the table") {
    for (const StageKind kind : all_of<StageKind>()) {
        INFO(name_of(kind));
        const StageKindInfo& info = info_of(kind);
        CHECK(info.version >= 1);
        REQUIRE(info.cost_s != nullptr);
        REQUIRE(info.disk_bytes != nullptr);
        const std::string suffix = info.artefact_suffix;
        CHECK(info.leaves_network == (suffix == ".ckpt" || suffix == ".ext"));
        CHECK((!info.leaves_scores || info.measures_points));
    }
}

TEST_CASE("every metric is measured by some kind and has a word of its own") {
    for (const Metric metric : all_of<Metric>()) {
        INFO(name_of(metric));
        bool measured = false;
        for (const StageKind kind : all_of<StageKind>()) {
            const auto& metrics = info_of(kind).metrics;
            measured = measured || std::find(metrics.begin(), metrics.end(), metric) != metrics.end();
        }
        CHECK(measured);
        CHECK(from_name<Metric>(name_of(metric)) == metric);
    }
}

TEST_CASE("a plan with every measurement has every kind, costs something of each, and reads back") {
    const Plan plan = make_plan(full_sweep_with_program(), present_probe(), "test");
    for (const StageKind kind : all_of<StageKind>()) {
        INFO(name_of(kind));
        CHECK(stages_of(plan, kind) > 0);
    }
    for (StageIndex stage = 0; stage < plan.stages.size(); ++stage) {
        CHECK(plan.stages[stage].cost_s > 0);
        CHECK(describe_stage(plan, stage).find(name_of(plan.stages[stage].kind)) == 0);
    }
    CHECK(estimate(plan, {}, 2).disk_bytes > 0);
    const Plan back = plan_from_json(plan_to_json(plan));
    CHECK(plan_to_json(back) == plan_to_json(plan));
    CHECK(back.points.front().measurements == plan.points.front().measurements);
}

TEST_CASE("a measurement adds stages of its own and changes no id that was there") {
    const Plan plain = small_plan();
    const Plan timed = make_plan(full_sweep(), present_probe(), "test");
    REQUIRE(timed.points.size() == plain.points.size());
    std::set<Digest> ids;
    for (const Stage& stage : timed.stages) ids.insert(stage.id);
    for (const Stage& stage : plain.stages) CHECK(ids.count(stage.id) == 1);
    for (std::size_t i = 0; i < plain.points.size(); ++i) {
        CHECK(timed.points[i].id == plain.points[i].id);
        CHECK(plain.points[i].measurements.empty());
        REQUIRE(timed.points[i].measurements.size() == 1);
        const Stage& latency = timed.stages[timed.points[i].measurements.front()];
        CHECK(latency.kind == StageKind::latency);
        CHECK(latency.needs.front() == timed.points[i].network_stage);
    }
    CHECK(stages_of(timed, StageKind::latency) == plain.points.size());
}
