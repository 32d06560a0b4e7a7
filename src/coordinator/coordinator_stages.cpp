/// How stages change state, and who works on what. Events are in coordinator.cpp.
#include <algorithm>
#include <bit>
#include <optional>

#include "coordinator/coordinator.hpp"
#include "fairsweep/check.hpp"
#include "plan/point_state.hpp"
#include "plan/stage_kinds.hpp"

namespace fairsweep {
namespace {

std::string gave_up_text(FailureClass failure, std::uint32_t times) {
    const std::string what =
        failure == FailureClass::lost ? "its worker died or fell silent" : "it showed no progress before its deadline";
    return what + " " + std::to_string(times) + (times == 1 ? " time" : " times");
}

}  // namespace

Coordinator::Coordinator(const Plan& plan, const Opening& opening, const CoordinatorPolicy& policy)
    : plan_(plan),
      policy_(policy),
      graph_(make_stage_graph(plan)),
      stages_(plan.stages.size()),
      ready_(ReadyOrder{&graph_.bottom_level_s, &stages_}) {
    FAIRSWEEP_CHECK(opening.stages.size() == stages_.size() && opening.selected.size() == stages_.size(), "one entry per stage");
    counts_.total = stages_.size();
    for (StageIndex stage = 0; stage < stages_.size(); ++stage) {
        StageEntry& entry = stages_[stage];
        entry.state = opening.stages[stage].state;
        FAIRSWEEP_CHECK(entry.state == StageState::waiting || is_final(entry.state),
                        "a run begins with waiting and final stages");
        entry.selected = opening.selected[stage];
        entry.last_attempt = opening.stages[stage].last_attempt;
        entry.last_attempt_before = entry.last_attempt;
        const AttemptHistory& history = opening.stages[stage].history;
        entry.failures[FailureClass::lost] = history.losses;
        entry.failures[FailureClass::hang] = history.hangs;
        entry.interruptions = history.interruptions;
        entry.runs_alone = history.interruptions >= policy.alone_after;
        const auto& needs = plan.stages[stage].needs;
        entry.needs_open = static_cast<std::uint32_t>(std::count_if(
            needs.begin(), needs.end(), [this](StageIndex need) { return stages_[need].state != StageState::done; }));
        ++counts_.by_state[entry.state];
        if (entry.selected && !is_final(entry.state)) ++selected_open_;
    }
}

void Coordinator::set_state(StageIndex stage, StageState state) {
    StageEntry& entry = stages_[stage];
    FAIRSWEEP_CHECK(!is_final(entry.state), "a final stage never changes");
    --counts_.by_state[entry.state];
    ++counts_.by_state[state];
    if (entry.selected && is_final(state)) --selected_open_;
    entry.state = state;
}

/// Puts a stage that may run where dispatch finds it; does nothing for any other.
void Coordinator::make_ready(StageIndex stage, double now_s) {
    const StageEntry& entry = stages_[stage];
    if (entry.state != StageState::waiting || !entry.selected || entry.needs_open != 0) return;
    if (entry.not_before_s > now_s) {
        delayed_.insert(stage);
        return;
    }
    delayed_.erase(stage);
    ready_.insert(stage);
}

void Coordinator::forget_waiting(StageIndex stage) {
    ready_.erase(stage);
    delayed_.erase(stage);
}

/// Ends a stage for good and lets those that need it run, or ends them too.
void Coordinator::close(StageIndex stage, StageState state, double now_s, Commands& commands) {
    forget_waiting(stage);
    set_state(stage, state);
    if (state == StageState::done) {
        for (const StageIndex dependant : graph_.dependants[stage]) {
            FAIRSWEEP_CHECK(stages_[dependant].needs_open > 0, "a stage ends once");
            --stages_[dependant].needs_open;
            make_ready(dependant, now_s);
        }
        return;
    }
    close_dependants(stage, commands);
    if (state == StageState::diverged) return;
    ++failures_;
    if (policy_.max_failures != 0 && failures_ >= policy_.max_failures && !stopping_) {
        failure_limit_reached_ = true;
        begin_stopping(commands);
    }
}

/// What measures a diverged network has diverged itself (that is the point's result); everything else is skipped.
void Coordinator::close_dependants(StageIndex stage, Commands& commands) {
    std::vector<StageIndex> causes{stage};
    while (!causes.empty()) {
        const StageIndex cause = causes.back();
        causes.pop_back();
        for (const StageIndex dependant : graph_.dependants[cause]) {
            StageEntry& entry = stages_[dependant];
            if (is_final(entry.state)) continue;
            FAIRSWEEP_CHECK(entry.state != StageState::running, "a stage runs only when what it needs is done");
            const bool diverged =
                stages_[cause].state == StageState::diverged && info_of(plan_.stages[dependant].kind).measures_points;
            const StageState state = diverged ? StageState::diverged : StageState::skipped;
            forget_waiting(dependant);
            set_state(dependant, state);
            commands.emplace_back(
                CloseStage{dependant, entry.last_attempt, state, diverged ? FailureClass::numeric : FailureClass::none,
                           std::string("needs ") + name_of(plan_.stages[cause].kind) + " " + plan_.stages[cause].id.short_hex() +
                               ", which is " + name_of(stages_[cause].state)});
            causes.push_back(dependant);
        }
    }
}

/// Earlier runs have used a budget up: the death of a whole run is counted at the next start only.
void Coordinator::close_beyond_budget(double now_s, Commands& commands) {
    for (StageIndex stage = 0; stage < stages_.size(); ++stage) {
        const StageEntry& entry = stages_[stage];
        for (const FailureClass failure : {FailureClass::lost, FailureClass::hang}) {
            const std::uint32_t times = entry.failures[failure];
            if (entry.state != StageState::waiting || !entry.selected || times <= policy_.retries[failure]) continue;
            const StageState state = failure == FailureClass::lost ? StageState::lost : StageState::failed;
            commands.emplace_back(CloseStage{stage, entry.last_attempt, state, failure, gave_up_text(failure, times)});
            close(stage, state, now_s, commands);
        }
    }
}

/// The lease of a running stage is gone without a result.
void Coordinator::lose_attempt(WorkerId worker, StageIndex stage, FailureClass failure, double now_s, Commands& commands) {
    StageEntry& entry = stages_[stage];
    const std::uint32_t times = ++entry.failures[failure];
    const std::uint32_t retries = policy_.retries[failure];
    if (times <= retries) {
        commands.emplace_back(RecordLoss{worker, stage, entry.last_attempt, failure,
                                         gave_up_text(failure, times) + "; it is tried again: retry " + std::to_string(times) +
                                             " of " + std::to_string(retries)});
        set_state(stage, StageState::waiting);
        make_ready(stage, now_s);
        return;
    }
    const StageState state = failure == FailureClass::lost ? StageState::lost : StageState::failed;
    commands.emplace_back(CloseStage{stage, entry.last_attempt, state, failure, gave_up_text(failure, times)});
    close(stage, state, now_s, commands);
}

/// A result that counts, from whoever brings it first: same id, same answer.
void Coordinator::settle(const Answer& answer, StageState state, double now_s, Commands& commands) {
    std::size_t ranks = 1;
    if (const auto lease = leases_.find(answer.stage); lease != leases_.end()) {
        const bool is_its_result = answer.attempt == stages_[answer.stage].last_attempt;
        if (is_its_result) ranks = lease->second.ranks;
        end_lease(answer.stage, !is_its_result, now_s, commands);  // the others of its team end by themselves
    }
    commands.emplace_back(
        AcceptResult{answer.worker, answer.stage, answer.attempt, state, static_cast<std::uint32_t>(ranks)});
    close(answer.stage, state, now_s, commands);
}

/// What a member of the team that runs the stage says: anything but the stage's result. Whoever was interrupted, has lost its team
/// or has done its part is not the cause: then the last to answer settles it.
void Coordinator::settle_current(const Answer& answer, const Verdict& verdict, double now_s, Commands& commands) {
    const bool has_failed = verdict.state != StageState::preempted && verdict.failure != FailureClass::preempted &&
                            verdict.state != StageState::done && verdict.state != StageState::diverged &&
                            verdict.failure != FailureClass::numeric;
    Lease& lease = leases_.at(answer.stage);
    std::erase(lease.at_work, answer.worker);
    if (!verdict.begun && !stopping_) {  // the others wait for it where they look for no stop
        end_lease(answer.stage, true, now_s, commands);
        settle_preempted(answer, now_s, commands);
        return;
    }
    if (has_failed && !verdict.lost_team) {
        end_lease(answer.stage, true, now_s, commands);
        settle_failure(answer, verdict.state == StageState::failed ? verdict.failure : FailureClass::internal, now_s, commands);
        return;
    }
    lease.came_apart = lease.came_apart || (has_failed && verdict.lost_team);
    if (!lease.at_work.empty()) {
        commands.emplace_back(DropResult{answer.worker, answer.stage, answer.attempt, "others of its team have not answered yet"});
        if (has_failed)  // they wait for it perhaps, where they hear nothing
            for (const WorkerId member : lease.at_work)
                workers_[member].deadline_s = std::min(workers_[member].deadline_s, now_s + policy_.worker_silence_s);
        const bool is_early = has_failed || verdict.state == StageState::preempted;
        if (is_early && !stopping_) stop_at_step(answer.stage, commands);
        return;
    }
    const bool came_apart = lease.came_apart && !stopping_;
    leases_.erase(answer.stage);
    if (came_apart)
        settle_failure(answer, FailureClass::io, now_s, commands);
    else
        settle_preempted(answer, now_s, commands);
}

void Coordinator::settle_preempted(const Answer& answer, double now_s, Commands& commands) {
    if (stopping_) {
        set_state(answer.stage, StageState::preempted);
        commands.emplace_back(AcceptResult{answer.worker, answer.stage, answer.attempt, StageState::preempted, 1});
        return;
    }
    set_state(answer.stage, StageState::waiting);
    make_ready(answer.stage, now_s);
    commands.emplace_back(DropResult{answer.worker, answer.stage, answer.attempt, "it was interrupted and runs again"});
}

void Coordinator::settle_failure(const Answer& answer, FailureClass failure, double now_s, Commands& commands) {
    StageEntry& entry = stages_[answer.stage];
    const std::uint32_t times = ++entry.failures[failure];
    const std::uint32_t retries = policy_.retries[failure];
    if (times > retries) {
        commands.emplace_back(AcceptResult{answer.worker, answer.stage, answer.attempt, StageState::failed, 1});
        close(answer.stage, StageState::failed, now_s, commands);
        return;
    }
    if (failure == FailureClass::io)
        entry.not_before_s = now_s + policy_.io_backoff_s * static_cast<double>(1U << std::min(times - 1, 20U));
    set_state(answer.stage, StageState::waiting);
    make_ready(answer.stage, now_s);
    commands.emplace_back(DropResult{answer.worker, answer.stage, answer.attempt,
                                     std::string("it failed (") + name_of(failure) + ") and is tried again: retry " +
                                         std::to_string(times) + " of " + std::to_string(retries)});
}

void Coordinator::begin_stopping(Commands& commands) {
    if (stopping_) return;
    stopping_ = true;
    for (const auto& [stage, lease] : leases_)
        for (const WorkerId worker : lease.at_work)
            commands.emplace_back(DrainWorker{worker, stage, stages_[stage].last_attempt});
}

void Coordinator::grant(const Team& team, StageIndex stage, double now_s, Commands& commands) {
    const Attempt attempt = next(stages_[stage].last_attempt);
    stages_[stage].last_attempt = attempt;
    set_state(stage, StageState::running);
    leases_[stage] = {.ranks = team.size(), .at_work = team};
    const double deadline_s = now_s + std::max(policy_.lease_first_s, lease_length_s(plan_.stages[stage].kind));
    for (const WorkerId worker : team) {
        WorkerView& view = workers_[worker];
        view.state = WorkerState::running;
        view.stage = stage;
        view.attempt = attempt;
        view.started_s = now_s;
        view.last_beat_s = now_s;
        view.deadline_s = deadline_s;
    }
    commands.emplace_back(GrantLease{team, stage, attempt, ++attempts_granted_, deadline_s});
}

/// A stage that runs alone waits until nothing runs, and nothing else is granted while it does.
bool Coordinator::may_run_now(StageIndex stage) const {
    if (leases_.empty()) return true;
    return !stages_[stage].runs_alone && !stages_[leases_.begin()->first].runs_alone;
}

/// How many ranks the stage at the front gets; 0: it waits for more to be idle. All that the parts of a batch can be added up
/// over are powers of two.
std::uint32_t Coordinator::ranks_for(StageIndex stage, double now_s) const {
    if (policy_.team_ranks == 1) return 1;
    const auto idle = static_cast<std::uint32_t>(idle_.size());
    const std::uint32_t share = idle / static_cast<std::uint32_t>(ready_.size());
    if (policy_.team_ranks == 0 && share < 2) return 1;
    const std::uint32_t most = policy_.most_ranks(plan_.stages[stage]);
    if (policy_.team_ranks == 0) return std::bit_floor(std::max(1U, std::min(most, share)));
    auto in_service = static_cast<std::uint32_t>(std::count_if(workers_.begin(), workers_.end(), [&](const auto& entry) {
        const WorkerView& view = entry.second;
        const bool may_answer = view.state == WorkerState::revoked && now_s - view.revoked_s < policy_.worker_silence_s;
        return !view.leaving && (view.state == WorkerState::idle || view.state == WorkerState::running || may_answer);
    }));
    if (now_s - started_s_ < policy_.worker_silence_s) in_service = std::max(in_service, policy_.workers);  // they join one by one
    const std::uint32_t ranks = std::bit_floor(std::max(1U, std::min({most, policy_.team_ranks, in_service})));
    return ranks <= idle ? ranks : 0;
}

/// Workers of one host where one has enough idle ones, of as few hosts as possible where none has.
Team Coordinator::take_idle(std::uint32_t ranks) {
    std::map<std::string, Team> by_host;
    for (const WorkerId worker : idle_) by_host[workers_[worker].host].push_back(worker);
    std::vector<Team> hosts;
    for (auto& [host, workers] : by_host) hosts.push_back(std::move(workers));
    std::stable_sort(hosts.begin(), hosts.end(), [ranks](const Team& a, const Team& b) {
        const bool a_is_enough = a.size() >= ranks, b_is_enough = b.size() >= ranks;
        if (a_is_enough != b_is_enough) return a_is_enough;
        return a_is_enough ? a.size() < b.size() : a.size() > b.size();
    });
    Team team;
    for (const Team& workers : hosts)
        for (const WorkerId worker : workers)
            if (team.size() < ranks) team.push_back(worker);
    for (const WorkerId worker : team) idle_.erase(worker);
    return team;
}

/// Where workers are idle and nothing waits: the team with the longest way to go ends at a step, and goes on with twice as many.
void Coordinator::grow_a_team(double now_s, Commands& commands) {
    if (policy_.team_ranks != 0 || stopping_ || idle_.empty() || !ready_.empty() || !delayed_.empty()) return;
    for (const auto& [stage, lease] : leases_)
        if (lease.is_ending) return;  // the idle are for that one
    double longest_s = policy_.grow_after_s;
    std::optional<StageIndex> chosen;
    for (const auto& [stage, lease] : leases_) {
        if (lease.is_ending || lease.at_work.size() != lease.ranks || idle_.size() < lease.ranks) continue;
        if (2 * lease.ranks > policy_.most_ranks(plan_.stages[stage])) continue;
        const WorkerView& leader = workers_.at(lease.at_work.front());
        const double gone = leader.fraction - leader.first_fraction;
        if (now_s - leader.started_s < policy_.grow_after_s || gone <= 0.0) continue;
        const double left_s = (1.0 - leader.fraction) * (leader.last_beat_s - leader.first_beat_s) / gone;
        if (left_s <= longest_s) continue;
        longest_s = left_s;
        chosen = stage;
    }
    if (chosen) stop_at_step(*chosen, commands);
}

/// Longest way to the end first, while there are idle workers; when all is done, everybody may leave.
void Coordinator::dispatch(double now_s, Commands& commands) {
    while (!stopping_ && !idle_.empty() && !ready_.empty() && may_run_now(*ready_.begin())) {
        const StageIndex stage = *ready_.begin();
        const std::uint32_t ranks = ranks_for(stage, now_s);
        if (ranks == 0) break;
        ready_.erase(ready_.begin());
        grant(take_idle(ranks), stage, now_s, commands);
    }
    if (!is_finished()) return;
    for (auto& [worker, view] : workers_) {
        if (view.state == WorkerState::lost || view.state == WorkerState::dismissed) continue;
        dismiss(worker, commands);
    }
}

StateCounts Coordinator::stage_counts() const { return counts_; }

StateCounts Coordinator::point_counts() const {
    std::vector<StageState> states;
    states.reserve(stages_.size());
    for (const StageEntry& stage : stages_) states.push_back(stage.state);
    StateCounts counts;
    counts.total = plan_.points.size();
    for (const StageState state : point_states(plan_, states)) ++counts.by_state[state];
    return counts;
}

}  // namespace fairsweep
