/// The job files that we ship parse and count as their comments say; no data are needed.
#include <algorithm>
#include <set>

#include "job/job.hpp"
#include "plan/make_plan.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

Plan plan_of(const std::string& name) {
    DataProbe nothing_there;
    nothing_there.present = [](const DataSource&) { return false; };
    return make_plan(load_job(std::string(FAIRSWEEP_SOURCE_DIR) + "/jobs/" + name, {}), nothing_there, "test");
}

std::uint64_t points_of(const Plan& plan, Arm arm) {
    std::uint64_t count = 0;
    for (const Point& point : plan.points) count += point.arm == arm ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("the demo has 4 dense, 8 sham and 56 compressed points") {
    const Plan plan = plan_of("demo.cfg");
    CHECK(points_of(plan, Arm::dense) == 4);
    CHECK(points_of(plan, Arm::sham) == 8);
    CHECK(points_of(plan, Arm::compressed) == 56);
    CHECK(plan.groups == std::vector<std::string>{"A", "B", "C", "D"});
}

TEST_CASE("the smoke sweep has one point of each arm") {
    const Plan plan = plan_of("smoke.cfg");
    CHECK(plan.points.size() == 3);
    CHECK(points_of(plan, Arm::sham) == 1);
    CHECK(points_of(plan, Arm::compressed) == 1);
}

TEST_CASE("the compression grid has every way of pruning and every distillation") {
    const Plan plan = plan_of("compression-grid.cfg");
    CHECK(points_of(plan, Arm::dense) == 2);
    CHECK(points_of(plan, Arm::sham) == 2 * 3);  // one per loss: a chain has that of its loss
    CHECK(points_of(plan, Arm::compressed) == 2 * (4 * 2 + 20 + 3));
}

TEST_CASE("the quantisation study plans without its data: six networks, five seeds") {
    const Plan plan = plan_of("rfw-quantisation.cfg");
    CHECK(points_of(plan, Arm::dense) == 6 * 5);               // four on MS1MV2, ResNet-34 on two sets
    CHECK(points_of(plan, Arm::sham) == 6 * 5 * 2);            // real and synthetic
    CHECK(points_of(plan, Arm::compressed) == 6 * 5 * 2 * 2);  // 8 and 6 bits
    REQUIRE(plan.removed.size() == 2);
    CHECK(plan.removed[0].points == 5 + 5 * 6);        // one network
    CHECK(plan.removed[1].points == 8 * (5 + 5 * 6));  // four networks on each of two sets
    CHECK(plan.provisional);
    CHECK(plan.data.size() == 5);
    for (const auto& [name, data] : plan.data) CHECK_FALSE(data.present);
    CHECK(plan.groups.size() == 4);
}

TEST_CASE("the tables of the published study have their 29 cells and no other") {
    const Plan plan = plan_of("biosig-tables.cfg");
    CHECK(plan.points.size() == 29);
    CHECK(points_of(plan, Arm::dense) == 4 + 2);
    CHECK(points_of(plan, Arm::compressed) == 16 + 4 + 3);
    std::multiset<std::string> of_global;
    for (const Point& point : plan.points)
        if (point.axes.training_set() == "bupt-global")
            of_global.insert(point.axes.bits().text() + " " + point.axes.calibration());
    CHECK(of_global == std::multiset<std::string>{"32 none", "8 bupt-balanced", "8 real", "8 synthetic"});
    CHECK(plan.removed.empty());
}

TEST_CASE("the example of an external program has its points beside fairsweep's own, from the same baselines") {
    const Plan plan = plan_of("external-qat.cfg");
    CHECK(points_of(plan, Arm::dense) == 2);
    CHECK(points_of(plan, Arm::sham) == 2 * 2);
    CHECK(points_of(plan, Arm::compressed) == 2 * 2 * 2);
    const auto stages_of = [&plan](StageKind kind) {
        return std::count_if(plan.stages.begin(), plan.stages.end(), [kind](const Stage& stage) { return stage.kind == kind; });
    };
    CHECK(stages_of(StageKind::baseline) == 2);
    CHECK(stages_of(StageKind::external) == 6);
    CHECK(stages_of(StageKind::compression) == 6);
}
