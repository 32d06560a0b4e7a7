#include "fairsweep/attempt_history.hpp"

#include <fmt/format.h>

namespace fairsweep {

bool is_begun(const Row& row) {
    return row.outcome.state == StageState::preempted && row.outcome.failure == FailureClass::preempted &&
           row.outcome.message == kBegunMessage;
}

void count_attempt(AttemptHistory& history, const Row& row) {
    if (row.outcome.state != StageState::preempted) {
        history = {};
        return;
    }
    if (row.outcome.failure == FailureClass::lost) ++history.losses;
    if (row.outcome.failure == FailureClass::hang) ++history.hangs;
    if (row.outcome.failure == FailureClass::none) ++history.interruptions;
}

Row interrupted_row(const Row& begun, std::size_t begun_together) {
    Row row = begun;
    const std::size_t others = begun_together - 1;
    row.outcome.failure = others == 0 ? FailureClass::lost : FailureClass::none;
    row.outcome.message = others == 0 ? std::string("its whole run died while nothing else was running")
                                      : fmt::format("its whole run died while it and {} other stage{} were running", others,
                                                    others == 1 ? "" : "s");
    return row;
}

}  // namespace fairsweep
