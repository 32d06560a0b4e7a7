/// Events of the coordinator. How stages change state is in coordinator_stages.cpp.
#include "coordinator/coordinator.hpp"

#include <algorithm>
#include <cmath>

#include "fairsweep/check.hpp"

namespace fairsweep {

Commands Coordinator::on_started(double now_s) {
    Commands commands;
    started_s_ = now_s;
    for (StageIndex stage = 0; stage < stages_.size(); ++stage) {
        if (blocks_dependants(stages_[stage].state)) close_dependants(stage, commands);
    }
    close_beyond_budget(now_s, commands);
    for (StageIndex stage = 0; stage < stages_.size(); ++stage) make_ready(stage, now_s);
    dispatch(now_s, commands);
    return commands;
}

Commands Coordinator::on_worker_joined(WorkerId worker, const std::string& host, double now_s) {
    Commands commands;
    const auto known = workers_.find(worker);
    if (known != workers_.end() && known->second.state == WorkerState::running) lose_worker(worker, now_s, commands);
    WorkerView view;
    view.last_heard_s = now_s;
    view.host = host;
    workers_[worker] = view;
    idle_.insert(worker);
    dispatch(now_s, commands);
    return commands;
}

Commands Coordinator::on_worker_alive(WorkerId worker, double now_s) {
    Commands commands;
    heard_from(worker, now_s, commands);
    dispatch(now_s, commands);
    return commands;
}

Commands Coordinator::on_worker_lost(WorkerId worker, double now_s) {
    Commands commands;
    if (workers_.count(worker) != 0) lose_worker(worker, now_s, commands);
    dispatch(now_s, commands);
    return commands;
}

Commands Coordinator::on_worker_leaving(WorkerId worker, double now_s) {
    Commands commands;
    if (WorkerView* view = heard_from(worker, now_s, commands)) {
        view->leaving = true;
        idle_.erase(worker);
        if (view->state == WorkerState::idle) dismiss(worker, commands);
    }
    dispatch(now_s, commands);
    return commands;
}

Commands Coordinator::on_progress(WorkerId worker, StageIndex stage, Attempt attempt, double fraction, double now_s) {
    Commands commands;
    WorkerView* view = heard_from(worker, now_s, commands);
    const bool current =
        view != nullptr && view->state == WorkerState::running && view->stage == stage && view->attempt == attempt;
    if (current) {
        const StageKind kind = plan_.stages[stage].kind;
        double& longest_s = longest_gap_s_[kind];
        // The wait for the first beat is start-up (loading data, first step): lease_first_s is for that.
        if (view->beats > 0) longest_s = std::max(longest_s, now_s - view->last_beat_s);
        if (++view->beats == 1) {
            view->first_beat_s = now_s;
            view->first_fraction = std::isfinite(fraction) ? fraction : 0.0;
        }
        view->last_beat_s = now_s;
        view->deadline_s = now_s + lease_length_s(kind);
        if (std::isfinite(fraction)) view->fraction = std::clamp(fraction, 0.0, 1.0);
    }
    dispatch(now_s, commands);
    return commands;
}

Commands Coordinator::on_stage_finished(WorkerId worker, StageIndex stage, Attempt attempt, const Verdict& verdict,
                                        double now_s) {
    Commands commands;
    const WorkerView* view = heard_from(worker, now_s, commands);
    const bool granted =
        stage < stages_.size() && attempt > stages_[stage].last_attempt_before && attempt <= stages_[stage].last_attempt;
    const Answer answer{worker, stage, attempt};
    if (view == nullptr || !granted) {
        commands.emplace_back(DropResult{worker, stage, attempt, "it was never granted"});
    } else {
        const bool current = free_worker(worker, stage, attempt);
        const bool result = verdict.state == StageState::done || verdict.state == StageState::diverged;
        const bool numeric = verdict.state == StageState::failed && verdict.failure == FailureClass::numeric;
        if (is_final(stages_[stage].state)) {
            commands.emplace_back(DropResult{worker, stage, attempt, "the stage is closed already"});
        } else if ((result || numeric) && verdict.leads) {
            settle(answer, numeric ? StageState::diverged : verdict.state, now_s, commands);
        } else if (!current) {
            commands.emplace_back(DropResult{worker, stage, attempt, "the attempt was given up"});
        } else {
            settle_current(answer, verdict, now_s, commands);
        }
        if (view->leaving && view->state == WorkerState::idle) dismiss(worker, commands);
    }
    dispatch(now_s, commands);
    return commands;
}

Commands Coordinator::on_tick(double now_s) {
    Commands commands;
    forgive_own_sleep(now_s);
    expire(now_s, commands);
    const std::vector<StageIndex> waits(delayed_.begin(), delayed_.end());
    for (const StageIndex stage : waits) make_ready(stage, now_s);
    dispatch(now_s, commands);
    grow_a_team(now_s, commands);
    return commands;
}

Commands Coordinator::on_stop_requested(double now_s) {
    Commands commands;
    begin_stopping(commands);
    dispatch(now_s, commands);
    return commands;
}

bool Coordinator::is_finished() const {
    if (!leases_.empty() || (!stopping_ && selected_open_ != 0)) return false;
    return std::none_of(workers_.begin(), workers_.end(), [](const auto& entry) {
        return entry.second.state == WorkerState::revoked && entry.second.ends_by_itself;
    });
}

std::size_t Coordinator::workers_in_service() const {
    return static_cast<std::size_t>(std::count_if(workers_.begin(), workers_.end(), [](const auto& entry) {
        return entry.second.state != WorkerState::lost && entry.second.state != WorkerState::dismissed;
    }));
}

/// Notes that the worker lives. One that was taken for lost comes back: it may still be busy with the attempt it had, so it
/// is asked to give that up first.
WorkerView* Coordinator::heard_from(WorkerId worker, double now_s, Commands& commands) {
    const auto found = workers_.find(worker);
    if (found == workers_.end() || found->second.state == WorkerState::dismissed) return nullptr;
    WorkerView& view = found->second;
    view.last_heard_s = now_s;
    if (view.state == WorkerState::lost) {
        if (view.attempt == Attempt{}) {
            view.state = WorkerState::idle;
            if (!view.leaving) idle_.insert(worker);
        } else {
            revoke(worker, now_s, commands);
        }
    }
    return &view;
}

/// A suspended laptop or a disk that took its time makes everybody look silent: time in which nobody listened is not counted.
void Coordinator::forgive_own_sleep(double now_s) {
    const double asleep_s = ticked_ ? now_s - last_tick_s_ : 0.0;
    if (asleep_s > policy_.own_sleep_s) {
        for (auto& [worker, view] : workers_) {
            view.last_heard_s += asleep_s;
            view.deadline_s += asleep_s;
        }
    }
    ticked_ = true;
    last_tick_s_ = now_s;
}

void Coordinator::expire(double now_s, Commands& commands) {
    std::vector<WorkerId> silent;
    std::vector<WorkerId> late;
    for (const auto& [worker, view] : workers_) {
        if (view.state == WorkerState::lost || view.state == WorkerState::dismissed) continue;
        if (now_s - view.last_heard_s > policy_.worker_silence_s)
            silent.push_back(worker);
        else if (view.state != WorkerState::idle && now_s > view.deadline_s)
            late.push_back(worker);
    }
    for (const WorkerId worker : silent) lose_worker(worker, now_s, commands);
    for (const WorkerId worker : late) {
        const WorkerView& view = workers_[worker];
        if (now_s <= view.deadline_s) continue;  // revoked just now, with its team
        if (view.state == WorkerState::running) {
            const StageIndex stage = view.stage;
            end_lease(stage, true, now_s, commands);
            lose_attempt(worker, stage, FailureClass::hang, now_s, commands);
        } else if (view.state == WorkerState::revoked && view.ends_by_itself) {
            revoke(worker, now_s, commands);  // it has not
        } else if (view.state == WorkerState::revoked) {
            dismiss(worker, commands);  // it lives, but its stage does not end: of no more use
        }
    }
}

void Coordinator::dismiss(WorkerId worker, Commands& commands) {
    workers_[worker].state = WorkerState::dismissed;
    idle_.erase(worker);
    commands.emplace_back(DismissWorker{worker});
}

void Coordinator::lose_worker(WorkerId worker, double now_s, Commands& commands) {
    WorkerView& view = workers_[worker];
    const WorkerState before = view.state;
    if (before == WorkerState::lost || before == WorkerState::dismissed) return;
    view.state = WorkerState::lost;
    idle_.erase(worker);
    if (before != WorkerState::running) return;
    end_lease(view.stage, true, now_s, commands);
    if (view.leaving) {  // it was told to go: not the stage's fault
        set_state(view.stage, StageState::waiting);
        make_ready(view.stage, now_s);
        return;
    }
    lose_attempt(worker, view.stage, FailureClass::lost, now_s, commands);
}

void Coordinator::mark_revoked(WorkerView& view, double now_s, double answers_within_s, bool ends_by_itself) {
    view.state = WorkerState::revoked;
    view.revoked_s = now_s;
    view.deadline_s = now_s + answers_within_s;
    view.ends_by_itself = ends_by_itself;
}

void Coordinator::revoke(WorkerId worker, double now_s, Commands& commands) {
    WorkerView& view = workers_[worker];
    mark_revoked(view, now_s, lease_length_s(plan_.stages[view.stage].kind), false);
    commands.emplace_back(RevokeLease{worker, view.stage, view.attempt, false});
}

/// Takes the lease away from all who have not answered; the caller decides what happens to the stage. `tell`: they are not about
/// to end by themselves.
void Coordinator::end_lease(StageIndex stage, bool tell, double now_s, Commands& commands) {
    const auto lease = leases_.find(stage);
    if (lease == leases_.end()) return;
    for (const WorkerId member : lease->second.at_work) {
        WorkerView& view = workers_[member];
        if (view.state != WorkerState::running) continue;
        if (tell)
            revoke(member, now_s, commands);
        else
            mark_revoked(view, now_s, policy_.worker_silence_s, true);
    }
    leases_.erase(lease);
}

/// Asks a running team to end at the step that its members agree upon. They keep the lease until they have answered.
void Coordinator::stop_at_step(StageIndex stage, Commands& commands) {
    Lease& lease = leases_.at(stage);
    if (lease.is_ending) return;
    lease.is_ending = true;
    for (const WorkerId member : lease.at_work)
        commands.emplace_back(RevokeLease{member, stage, stages_[stage].last_attempt, true});
}

/// True when the worker had its part in the stage's lease, with this attempt. The lease stays for the caller.
bool Coordinator::free_worker(WorkerId worker, StageIndex stage, Attempt attempt) {
    WorkerView& view = workers_[worker];
    const bool busy = view.state == WorkerState::running || view.state == WorkerState::revoked;
    if (!busy || view.stage != stage || view.attempt != attempt) return false;
    const bool current = view.state == WorkerState::running;
    WorkerView free;
    free.last_heard_s = view.last_heard_s;
    free.leaving = view.leaving;
    free.host = view.host;
    view = free;
    if (!view.leaving) idle_.insert(worker);
    return current;
}

double Coordinator::lease_length_s(StageKind kind) const {
    return std::max(policy_.lease_least_s, policy_.lease_factor * longest_gap_s_[kind]);
}

}  // namespace fairsweep
