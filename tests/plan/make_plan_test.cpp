#include "plan/make_plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "plan/stage_id.hpp"
#include "small_sweep.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::test;

namespace {

std::set<std::string> ids_of(const Plan& plan, StageKind kind) {
    std::set<std::string> ids;
    for (const Stage& stage : plan.stages) {
        if (stage.kind == kind) ids.insert(stage.id.hex());
    }
    return ids;
}

DataProbe absent_probe(const std::string& absent) {
    DataProbe probe = present_probe();
    probe.present = [absent](const DataSource& source) { return source.name != absent; };
    probe.digest = [absent](const DataSource& source) {
        CHECK(source.name != absent);  // nobody asks for the content of what is not there
        return sha256("content of " + source.name);
    };
    return probe;
}

}  // namespace

TEST_CASE("the demo's grid has 4 dense, 8 sham and 56 compressed points") {
    const Plan plan = small_plan();
    CHECK(plan.points.size() == 68);
    CHECK(points_of(plan, Arm::dense) == 4);
    CHECK(points_of(plan, Arm::sham) == 8);
    CHECK(points_of(plan, Arm::compressed) == 56);
    CHECK(stages_of(plan, StageKind::prepare) == 1);
    CHECK(stages_of(plan, StageKind::baseline) == 4);
    CHECK(stages_of(plan, StageKind::teacher) == 8);
    CHECK(stages_of(plan, StageKind::compression) == 64);
    CHECK(stages_of(plan, StageKind::evaluation) == 68);
    CHECK(plan.stages_shared == 1 + 4 + 8);
    CHECK(plan.groups == std::vector<std::string>{"A", "B", "C", "D"});
    CHECK_FALSE(plan.provisional);
    CHECK(plan.axes.at(index_of(Axis::bits)).values == 4);
    CHECK(plan.seeds == 2);
    CHECK(plan.removed.empty());
    CHECK(plan.code_version == "test");
}

TEST_CASE("stages stand in topological order, once, with what their kind needs and reads") {
    const Plan plan = small_plan();
    std::set<std::string> ids;
    for (std::size_t i = 0; i < plan.stages.size(); ++i) {
        const Stage& stage = plan.stages[i];
        CHECK(ids.insert(stage.id.hex()).second);
        std::vector<Digest> need_ids;
        for (const StageIndex need : stage.needs) {
            CHECK(need < i);
            need_ids.push_back(plan.stages[need].id);
        }
        CHECK(stage.id == stage_id(stage.kind, stage.parameters.text(), need_ids));
        const StageParameters parameters = parse_stage_parameters(stage.parameters.text());
        CHECK(parameters.kind == stage.kind);
        CHECK(stage.cost_s > 0);
        switch (stage.kind) {
            case StageKind::prepare:
                CHECK(stage.needs.empty());
                CHECK(stage.data_sets == std::vector<SharedText>{"test"});
                CHECK(parameters.image_size == 56);
                break;
            case StageKind::baseline:
                CHECK(stage.needs.empty());
                CHECK(stage.data_sets == std::vector<SharedText>{"faces"});
                break;
            case StageKind::teacher:
                REQUIRE(stage.needs.size() == 1);
                CHECK(plan.stages[stage.needs[0]].kind == StageKind::baseline);
                CHECK(stage.data_sets.size() == 1);
                break;
            case StageKind::compression:
                REQUIRE(stage.needs.size() == 2);
                CHECK(plan.stages[stage.needs[0]].kind == StageKind::baseline);
                CHECK(plan.stages[stage.needs[1]].kind == StageKind::teacher);
                CHECK(plan.stages[stage.needs[1]].needs[0] == stage.needs[0]);
                CHECK(plan.stages[stage.needs[1]].data_sets == stage.data_sets);
                break;
            case StageKind::external:
                FAIL_CHECK("this sweep has no program");
                break;
            case StageKind::evaluation:
            case StageKind::latency:
                REQUIRE(stage.needs.size() == 2);
                CHECK(plan.stages[stage.needs[1]].kind == StageKind::prepare);
                CHECK(stage.data_sets.empty());
                break;
        }
    }
}

TEST_CASE("points know their stages") {
    const Plan plan = small_plan();
    std::set<std::string> ids;
    for (const Point& point : plan.points) {
        CHECK(ids.insert(point.id.hex()).second);
        CHECK(point.id == plan.stages[point.evaluation_stage].id);
        CHECK(plan.stages[point.evaluation_stage].needs[0] == point.network_stage);
        const StageParameters network = parse_stage_parameters(plan.stages[point.network_stage].parameters.text());
        CHECK(network.architecture == point.axes.architecture());
        CHECK(network.seed == point.seed);
        if (point.arm == Arm::dense) {
            CHECK(network.kind == StageKind::baseline);
            CHECK(point.axes.calibration() == "none");
            CHECK(point.axes.bits().is_float());
            CHECK(point.axes.sparsity() == 0);
            continue;
        }
        CHECK(network.kind == StageKind::compression);
        CHECK(network.bits == point.axes.bits());
        CHECK(network.sparsity == point.axes.sparsity());
        CHECK((point.arm == Arm::sham) == (point.axes.bits().is_float() && point.axes.sparsity() == 0));
        const std::string data = point.axes.calibration() == "real" ? "faces" : point.axes.calibration();
        CHECK(network.data == sha256("content of " + data));
    }
}

TEST_CASE("the same sweep plans the same, byte for byte") { CHECK(plan_to_json(small_plan()) == plan_to_json(small_plan())); }

TEST_CASE("arms leave points out, and a sham cell that the axes lack is added") {
    Sweep sweep = small_sweep();
    sweep.values(Axis::bits) = {Bits{4, 4}};
    sweep.values(Axis::sparsity) = {0.7};
    Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(points_of(plan, Arm::sham) == 8);
    CHECK(points_of(plan, Arm::compressed) == 8);
    sweep.arms = {Arm::dense};
    plan = make_plan(sweep, present_probe(), "test");
    CHECK(plan.points.size() == 4);
    CHECK(stages_of(plan, StageKind::compression) == 0);
    CHECK(stages_of(plan, StageKind::teacher) == 0);
    CHECK(plan.data.count("synthetic") == 0);  // nobody needs it
    sweep.arms = {Arm::compressed};
    plan = make_plan(sweep, present_probe(), "test");
    CHECK(plan.points.size() == 8);
    CHECK(stages_of(plan, StageKind::baseline) == 4);  // needed, though it is no point
    sweep = small_sweep();
    sweep.arms = {Arm::sham};
    CHECK(make_plan(sweep, present_probe(), "test").points.size() == 8);
}

TEST_CASE("constraints remove points and are counted, the first that matches each") {
    Sweep sweep = small_sweep();
    sweep.constraints = {{"bits == 3"}, {"bits < 8 and sparsity > 0.5"}, {"seed == 77"}, {"arm == dense and seed == 2"}};
    const Plan plan = make_plan(sweep, present_probe(), "test");
    REQUIRE(plan.removed.size() == 4);
    CHECK(plan.removed[0].rule == "bits == 3");
    CHECK(plan.removed[0].points == 16);
    CHECK(plan.removed[1].points == 8);  // bits 3 were gone already
    CHECK(plan.removed[2].points == 0);
    CHECK(plan.removed[3].points == 2);
    CHECK(plan.points.size() == 68 - 26);
    CHECK(stages_of(plan, StageKind::baseline) == 4);  // seed 2 serves compressed points still
}

TEST_CASE("what constraints remove is not asked for") {
    Sweep sweep = small_sweep();
    sweep.constraints = {{"calibration == synthetic"}};
    const Plan plan = make_plan(sweep, absent_probe("synthetic"), "test");
    CHECK_FALSE(plan.provisional);
    CHECK(plan.data.count("synthetic") == 0);
}

TEST_CASE("two points that would run the same stages are one") {
    Sweep sweep = small_sweep();
    sweep.values(Axis::calibration) = {"real", "faces"};
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(plan.points.size() == 4 + 32);
    REQUIRE(plan.removed.size() == 1);
    CHECK(plan.removed[0].points == 32);
    CHECK_THAT(plan.removed[0].rule, ContainsSubstring("same stages"));
}

TEST_CASE("a recipe field changes the ids of the stages that use it and of what follows, and no other") {
    const Plan before = small_plan();
    const auto plan_with = [](const auto& change) {
        Sweep sweep = small_sweep();
        change(sweep.recipe);
        return make_plan(sweep, present_probe(), "test");
    };
    const Plan finetuned = plan_with([](Recipe& recipe) { recipe.finetune_lr = 0.05; });
    CHECK(ids_of(finetuned, StageKind::prepare) == ids_of(before, StageKind::prepare));
    CHECK(ids_of(finetuned, StageKind::baseline) == ids_of(before, StageKind::baseline));
    CHECK(ids_of(finetuned, StageKind::teacher) == ids_of(before, StageKind::teacher));
    CHECK(ids_of(finetuned, StageKind::compression) != ids_of(before, StageKind::compression));
    for (std::size_t i = 0; i < before.points.size(); ++i) {
        CHECK((finetuned.points[i].id == before.points[i].id) == (before.points[i].arm == Arm::dense));
    }
    const Plan trained = plan_with([](Recipe& recipe) { recipe.margin_rad = 0.3; });
    CHECK(ids_of(trained, StageKind::prepare) == ids_of(before, StageKind::prepare));
    for (std::size_t i = 0; i < before.points.size(); ++i) CHECK(trained.points[i].id != before.points[i].id);

    const Plan observed = plan_with([](Recipe& recipe) { recipe.observer_steps = 11; });
    for (std::size_t i = 0; i < before.points.size(); ++i) {
        CHECK((observed.points[i].id == before.points[i].id) == before.points[i].axes.bits().is_float());
    }
}

TEST_CASE("a data set's path and name are no part of an id, its content is") {
    Sweep sweep = small_sweep();
    const Plan before = small_plan();
    for (auto& [name, source] : sweep.data) source.path = "/elsewhere/" + name;
    const Plan moved = make_plan(sweep, present_probe(), "test");
    DataProbe other = present_probe();
    other.digest = [](const DataSource& source) { return sha256("other content of " + source.name); };
    const Plan changed = make_plan(sweep, other, "test");
    for (std::size_t i = 0; i < before.stages.size(); ++i) {
        CHECK(moved.stages[i].id == before.stages[i].id);
        CHECK(changed.stages[i].id != before.stages[i].id);
    }
    CHECK(moved.data.at("faces").source.path == "/elsewhere/faces");
}

TEST_CASE("missing data make the plan provisional and keep the counts") {
    const Plan plan = make_plan(small_sweep(), absent_probe("faces"), "test");
    CHECK(plan.provisional);
    CHECK_FALSE(plan.data.at("faces").present);
    CHECK(plan.data.at("faces").id.is_zero());
    CHECK(plan.data.at("test").present);
    CHECK(plan.points.size() == 68);
    CHECK(plan.stages_shared == small_plan().stages_shared);
    CHECK(ids_of(plan, StageKind::baseline) != ids_of(small_plan(), StageKind::baseline));
    CHECK(ids_of(plan, StageKind::prepare) == ids_of(small_plan(), StageKind::prepare));
}

TEST_CASE("groups of a missing test set come from the job file, else they are RFW's") {
    Sweep sweep = small_sweep();
    CHECK(make_plan(sweep, absent_probe("test"), "test").groups ==
          std::vector<std::string>{"African", "Asian", "Caucasian", "Indian"});
    sweep.data["test"].groups = {"X", "Y"};
    CHECK(make_plan(sweep, absent_probe("test"), "test").groups == std::vector<std::string>{"X", "Y"});
}

TEST_CASE("each data set is looked at once") {
    std::map<std::string, int> looked;
    DataProbe probe = present_probe();
    probe.digest = [&looked](const DataSource& source) {
        ++looked[source.name];
        return sha256(source.name);
    };
    static_cast<void>(make_plan(small_sweep(), probe, "test"));
    CHECK(looked == std::map<std::string, int>{{"faces", 1}, {"synthetic", 1}, {"test", 1}});
}

TEST_CASE("networks of two input sizes need the test faces in two sizes") {
    Sweep sweep = small_sweep();
    sweep.values(Axis::architecture) = {"iresnet10-w16-56", "iresnet10-w16-64", "mobilefacenet-w16-56"};
    CHECK(stages_of(make_plan(sweep, present_probe(), "test"), StageKind::prepare) == 2);
}

TEST_CASE("a grid of 10^5 points is planned whole") {
    Sweep sweep = small_sweep();
    sweep.seeds.clear();
    for (std::uint64_t seed = 0; seed < 2500; ++seed) sweep.seeds.push_back(seed);
    sweep.values(Axis::bits).clear();
    for (int bits = 2; bits <= 11; ++bits) sweep.values(Axis::bits).emplace_back(Bits{bits, bits});
    sweep.constraints = {{"architecture == iresnet18 and seed > 3"}, {"bits == 16"}};
    const Plan plan = make_plan(sweep, present_probe(), "test");
    CHECK(points_of(plan, Arm::compressed) == 2 * 2 * 2 * 10 * 2500);
    CHECK(points_of(plan, Arm::sham) == 2 * 2 * 2500);
    CHECK(points_of(plan, Arm::dense) == 2 * 2500);
}

TEST_CASE("a grid beyond reason is refused") {
    Sweep sweep = small_sweep();
    sweep.seeds.resize(1'000'000);
    CHECK_THROWS_WITH(make_plan(sweep, present_probe(), "test"), ContainsSubstring("too large"));
}

/// If this fails, every id of every store has changed and finished work would run again. If that is meant, say so in the
/// changelog, raise the version of the stages concerned, and put the new ids here.
TEST_CASE("ids are what they always were") {
    Sweep sweep = small_sweep();
    sweep.seeds = {1};
    sweep.values(Axis::architecture) = {"iresnet10-w16-56"};
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{4, 8}};
    sweep.values(Axis::calibration) = {"synthetic"};
    sweep.values(Axis::sparsity) = {0.7};
    const Plan plan = make_plan(sweep, present_probe(), "test");
    std::vector<std::string> told;
    for (const Stage& stage : plan.stages) told.push_back(std::string(name_of(stage.kind)) + " " + stage.id.short_hex());
    CHECK(told == std::vector<std::string>{"baseline 06362b3a9e48", "prepare 61a8efe4e95a", "evaluation 4554cd7071de",
                                           "teacher a369266b880a", "compression 4c331b692547", "evaluation 37a480a80022",
                                           "compression 9bbedd2cf7a8", "evaluation e824d621706a", "compression e87ddc8bc520",
                                           "evaluation 6d5423c8c992"});
}

TEST_CASE("what was planted is asked of data that are there, and changes no id") {
    DataProbe probe = present_probe();
    const Plan plain = make_plan(small_sweep(), probe, "test");
    probe.planted = [](const DataSource& source) { return source.name == "test" ? std::string("{}") : std::string(); };
    const Plan drawn = make_plan(small_sweep(), probe, "test");
    CHECK(drawn.data.at("test").planted == "{}");
    CHECK(drawn.data.at("faces").planted.empty());
    REQUIRE(drawn.stages.size() == plain.stages.size());
    for (std::size_t i = 0; i < plain.stages.size(); ++i) CHECK(drawn.stages[i].id == plain.stages[i].id);
}
