#include "run/sweep_status.hpp"

#include "coordinator/world.hpp"
#include "fairsweep/attempt_history.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

Row begun_at(const Plan& plan, StageIndex stage, double unix_s) {
    Row row;
    row.stage_id = plan.stages[stage].id;
    row.finished_unix_s = unix_s;
    row.outcome.state = StageState::preempted;
    row.outcome.failure = FailureClass::preempted;
    row.outcome.message = kBegunMessage;
    return row;
}

constexpr auto running = StageState::running;
constexpr auto waiting = StageState::waiting;
constexpr auto preempted = StageState::preempted;

}  // namespace

TEST_CASE("While a run is at work, what it runs is running and what it will take up again waits") {
    const Plan plan = world("b1=1 b2=1 b3=1 b4=1");
    LiveStatus live;
    live.started_unix_s = 1000;
    live.updated_unix_s = 1010;
    live.workers = {{1, "here", 7, WorkerState::running, 0.1, plan.stages[0].id, StageKind::baseline, 2, 0.5, 3.0}};
    // 0: at work for a while. 1: leased after the last live status. 2: left by an earlier run. 3: never begun.
    const std::vector<Row> rows = {begun_at(plan, 0, 1005), begun_at(plan, 1, 1010.2), begun_at(plan, 2, 900)};
    using States = std::vector<StageState>;
    CHECK(states_at_work(plan, rows, RunPhase::running, live) == States{running, running, waiting, waiting});
    CHECK(states_at_work(plan, rows, RunPhase::stopping, live) == States{running, running, preempted, waiting});
    CHECK(states_at_work(plan, rows, RunPhase::starting, std::nullopt) == States{waiting, waiting, waiting, waiting});
    // Nobody is at work, or nobody who gives a sign of life: nothing runs.
    CHECK(states_at_work(plan, rows, RunPhase::none, std::nullopt) == States{preempted, preempted, preempted, waiting});
    CHECK(states_at_work(plan, rows, RunPhase::silent, live) == States{preempted, preempted, preempted, waiting});
}
