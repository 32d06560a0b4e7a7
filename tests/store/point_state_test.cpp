#include "plan/point_state.hpp"

#include "store/plan_union.hpp"
#include "store/data_conflict.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

// Stages of make_plan(2): 0 prepare, 1 baseline, 2 teacher, 3 evaluation of the dense point, 4 compression, 5 its evaluation.
std::vector<StageState> points_when(std::vector<StageState> stages) { return point_states(make_plan(2), stages); }

constexpr StageState kWaiting = StageState::waiting;
constexpr StageState kDone = StageState::done;

using States = std::vector<StageState>;

}  // namespace

TEST_CASE("a point is done when its evaluation is, and waits while nothing of it happened") {
    CHECK(points_when({kWaiting, kWaiting, kWaiting, kWaiting, kWaiting, kWaiting}) == States{kWaiting, kWaiting});
    CHECK(points_when({kDone, kDone, kDone, kDone, kDone, kWaiting}) == States{kDone, kWaiting});
    CHECK(points_when({kDone, kDone, kDone, kDone, kDone, kDone}) == States{kDone, kDone});
}

TEST_CASE("a point runs while its network or its evaluation runs, not while something shared does") {
    CHECK(points_when({kDone, StageState::running, kWaiting, kWaiting, kWaiting, kWaiting}) ==
          States{StageState::running, kWaiting});
    CHECK(points_when({StageState::running, kDone, StageState::running, kWaiting, kWaiting, kWaiting}) ==
          States{kWaiting, kWaiting});
    CHECK(points_when({kDone, kDone, kDone, kDone, kDone, StageState::running}) == States{kDone, StageState::running});
}

TEST_CASE("a bad end of the own network is the point's, of something shared it makes the point skipped") {
    for (const StageState bad : {StageState::diverged, StageState::failed, StageState::lost, StageState::quarantined}) {
        CHECK(points_when({kDone, bad, kWaiting, kWaiting, kWaiting, kWaiting}) == States{bad, StageState::skipped});
        CHECK(points_when({kDone, kDone, kDone, kDone, bad, StageState::skipped}) == States{kDone, bad});
        CHECK(points_when({kDone, kDone, kDone, bad, kDone, kDone}) == States{bad, kDone});
        CHECK(points_when({bad, kDone, kDone, kWaiting, kWaiting, kWaiting}) == States{StageState::skipped, StageState::skipped});
        CHECK(points_when({kDone, kDone, bad, kDone, kWaiting, kWaiting}) == States{kDone, StageState::skipped});
    }
}

TEST_CASE("a preempted network leaves its point preempted, and running again it runs") {
    CHECK(points_when({kDone, kDone, kDone, kDone, StageState::preempted, kWaiting}) == States{kDone, StageState::preempted});
    CHECK(points_when({kDone, kDone, kDone, kDone, StageState::running, kWaiting}) == States{kDone, StageState::running});
}

TEST_CASE("a name that stands for data of two contents, or the same pairs over other images, is a conflict") {
    const auto plan_of = [](const std::string& name, const std::string& content, const std::string& faces) {
        Plan plan = make_plan(1);
        plan.data[name] = {.source = {name, "rfw", "anywhere", {}}, .id = sha256(content), .present = true};
        for (Stage& stage : plan.stages)
            if (stage.kind == StageKind::prepare) stage.parameters = "{\"data\":\"" + sha256(faces).hex() + "\"}";
        return plan;
    };
    const Plan held = plan_of("test", "one", "one");
    CHECK_FALSE(data_conflict(held, held).has_value());
    CHECK(data_conflict(held, plan_of("test", "two", "one")).has_value());
    CHECK(data_conflict(held, plan_of("other", "two", "two")).has_value());  // another name, the same pairs, other images
    CHECK_FALSE(data_conflict(held, plan_of("other", "two", "one")).has_value());
    Plan missing = plan_of("test", "two", "one");
    missing.data["test"].present = false;
    CHECK_FALSE(data_conflict(held, missing).has_value());
    CHECK_FALSE(data_conflict(make_plan(1), make_plan(1)).has_value());
}

TEST_CASE("a union keeps what was there where it was and adds the rest") {
    const Plan held = make_plan(3);
    const Plan wanted = make_plan(3, 3);
    CHECK(plan_covers(held, held));
    CHECK(plan_covers(held, make_plan(2)));
    CHECK(!plan_covers(held, wanted));
    const Plan united = unite_plans(held, wanted);
    CHECK(plan_covers(united, held));
    CHECK(plan_covers(united, wanted));
    for (std::size_t i = 0; i < held.stages.size(); ++i) CHECK(united.stages[i].id == held.stages[i].id);
    for (const Point& point : united.points) {
        CHECK(united.stages[point.evaluation_stage].id == point.id);
        CHECK(united.stages[point.evaluation_stage].needs[0] == point.network_stage);
    }
    CHECK(united.points.size() == 5);  // dense, seeds 2 and 3 of the first; seeds 4 and 5 of the second
    CHECK(united.stages_shared == 3);  // prepare, baseline, teacher
    CHECK(plan_to_json(unite_plans(united, held)).size() == plan_to_json(united).size());
}
