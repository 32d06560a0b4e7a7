#include "run/opened_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "plan/stage_kinds.hpp"
#include "run/clocks.hpp"

namespace fairsweep {

OpenedSweep open_sweep(const RunOptions& options, const SweepParts& parts, PlannedSweep planned) {
    if (planned.plan.points.empty())
        throw_usage({.attempted = "there is nothing to run",
                     .where = options.job.string(),
                     .found = "no point: its rules and arms leave none",
                     .expected = "at least one",
                     .hint = "fairsweep plan shows what each rule removes"});
    parts.check_data(planned.plan);
    Store store = Store::open_for_update(options.store, planned.plan, parts.items(planned.plan));
    for (const std::string& warning : store.warnings()) log_warning(warning);
    return {std::move(planned.plan), planned.threads_per_stage, std::move(store)};
}

OpeningRequest opening_request(const RunOptions& options, const Plan& plan, const Store& store, const StageRunner& runner) {
    std::map<Digest, StageOutcome> outcomes;
    for (Row& row : store.rows()) {
        if (row.outcome.state == StageState::done) outcomes[row.stage_id] = std::move(row.outcome);
    }
    OpeningRequest request;
    request.only = options.only;
    request.artefact_present = [&plan, &runner, outcomes = std::move(outcomes)](StageIndex index) {
        const Stage& stage = plan.stages[index];
        const auto found = outcomes.find(stage.id);
        if (found != outcomes.end() && runner.artefact_present(stage.kind, stage.id, found->second)) return true;
        log_warning(
            fmt::format("the artefact of {} {} is gone; the stage runs again", name_of(stage.kind), stage.id.short_hex()));
        return false;
    };
    return request;
}

CoordinatorSettings coordinator_settings(const RunOptions& options, const Plan& plan, const OpeningRequest& request,
                                         Progress& progress) {
    constexpr double kAfterGrace_s = 10.0;  // for what is left of a program, its result and its row
    CoordinatorSettings settings;
    settings.policy.worker_silence_s = options.worker_silence_s;
    settings.policy.max_failures = options.max_failures;
    settings.policy.team_ranks = plan.run.team_ranks;
    settings.policy.most_ranks = most_ranks;
    settings.policy.grow_after_s = options.grow_after_s;
    settings.opening = request;
    settings.silence_s = options.coordinator_silence_s;
    settings.drain_s = options.drain_s;
    for (const auto& [name, program] : plan.programs)
        settings.drain_s = std::max(settings.drain_s, program.grace_s + kAfterGrace_s);
    settings.join_s = options.coordinator_silence_s;
    settings.on_status = [&progress](const LiveStatus& status) { progress.show(status, steady_now_s()); };
    return settings;
}

}  // namespace fairsweep
