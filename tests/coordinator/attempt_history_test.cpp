#include "fairsweep/attempt_history.hpp"

#include "support/catch.hpp"

using namespace fairsweep;

namespace {

Row row_of(StageState state, FailureClass failure, const std::string& message = "") {
    Row row;
    row.outcome.state = state;
    row.outcome.failure = failure;
    row.outcome.message = message;
    return row;
}

const Row kBegun = row_of(StageState::preempted, FailureClass::preempted, kBegunMessage);

AttemptHistory history_of(const std::vector<Row>& rows) {
    AttemptHistory history;
    for (const Row& row : rows) count_attempt(history, row);
    return history;
}

}  // namespace

TEST_CASE("Losses, hangs and deaths of whole runs are counted until the stage ends") {
    const Row lost = row_of(StageState::preempted, FailureClass::lost);
    const Row hang = row_of(StageState::preempted, FailureClass::hang);
    const AttemptHistory history = history_of({kBegun, lost, kBegun, lost, kBegun, hang, kBegun, interrupted_row(kBegun, 3)});
    CHECK(history.losses == 2);
    CHECK(history.hangs == 1);
    CHECK(history.interruptions == 1);
    CHECK(history_of({kBegun, lost, row_of(StageState::lost, FailureClass::lost)}).losses == 0);
}

TEST_CASE("What was stopped on request is held against nobody") {
    const Row stopped = row_of(StageState::preempted, FailureClass::preempted, "asked to stop");
    CHECK_FALSE(is_begun(stopped));
    const AttemptHistory history = history_of({kBegun, stopped, kBegun, stopped});
    CHECK(history.losses + history.hangs + history.interruptions == 0);
}

TEST_CASE("A stage that was running alone when its whole run died is to blame, one of several is not") {
    CHECK(is_begun(kBegun));
    CHECK(history_of({interrupted_row(kBegun, 1)}).losses == 1);
    CHECK(history_of({interrupted_row(kBegun, 2)}).losses == 0);
    CHECK(history_of({interrupted_row(kBegun, 2)}).interruptions == 1);
    CHECK_FALSE(is_begun(interrupted_row(kBegun, 1)));
}
