#include "run/before_run.hpp"

#include <map>

#include "run/clocks.hpp"
#include "fairsweep/attempt_history.hpp"

namespace fairsweep {

std::vector<StageBefore> stages_before(const Plan& plan, const Store& store) {
    std::map<Digest, StageBefore> known;
    for (const Row& row : store.rows())
        known[row.stage_id] = {row.outcome.state, Attempt{row.attempt}, store.history(row.stage_id)};
    std::vector<StageBefore> before(plan.stages.size());
    for (StageIndex stage = 0; stage < plan.stages.size(); ++stage) {
        const auto found = known.find(plan.stages[stage].id);
        if (found != known.end()) before[stage] = found->second;
    }
    return before;
}

void record_interrupted_attempts(Store& store) {
    std::vector<Row> begun = store.rows();
    std::erase_if(begun, [](const Row& row) { return !is_begun(row); });
    for (const Row& row : begun) {
        Row interrupted = interrupted_row(row, begun.size());
        interrupted.finished_unix_s = unix_now_s();
        store.append(interrupted, {});
    }
    if (!begun.empty()) store.sync();
}

}  // namespace fairsweep
