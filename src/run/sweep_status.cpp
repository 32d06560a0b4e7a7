#include "run/sweep_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "run/clocks.hpp"
#include "fairsweep/attempt_history.hpp"
#include "fairsweep/failure_class.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/process.hpp"
#include "plan/describe_stage.hpp"
#include "plan/point_state.hpp"
#include "store/store.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

std::map<Digest, StageIndex> positions_of(const Plan& plan) {
    std::map<Digest, StageIndex> positions;
    for (StageIndex i = 0; i < plan.stages.size(); ++i) positions.emplace(plan.stages[i].id, i);
    return positions;
}

StoreSight sight_of(const fs::path& store) {
    StoreSight sight;
    const StoreOwner owner = store_owner(store);
    sight.lock = owner == StoreOwner::at_work ? StoreSight::Lock::held
                 : owner == StoreOwner::none  ? StoreSight::Lock::free
                                              : StoreSight::Lock::unknown;
    sight.held_since_unix_s = written_unix_s(lock_path(store));
    sight.live_written_unix_s = written_unix_s(live_path(store));
    sight.now_unix_s = unix_now_s();
    sight.host = host_name();
    return sight;
}

bool ended_badly(StageState state) {
    return state == StageState::failed || state == StageState::lost || state == StageState::quarantined;
}

/// A message of several lines as one.
std::string in_one_line(const std::string& message) {
    std::string text;
    for (const char letter : message) {
        const bool blank = letter == '\n' || letter == ' ';
        if (blank && (text.empty() || text.back() == ' ')) continue;
        text += blank ? ' ' : letter;
    }
    return text;
}

std::vector<std::string> reasons_of(const Plan& plan, const std::vector<Row>& rows) {
    const std::map<Digest, StageIndex> positions = positions_of(plan);
    std::vector<std::string> reasons;
    for (const Row& row : rows) {
        const auto stage = positions.find(row.stage_id);
        if (stage == positions.end() || !ended_badly(row.outcome.state)) continue;
        reasons.push_back(fmt::format("{} is {} ({}): {}", describe_stage(plan, stage->second), name_of(row.outcome.state),
                                      words_of(row.outcome.failure), in_one_line(row.outcome.message)));
    }
    return reasons;
}

std::uint64_t attempts_of(const std::vector<Row>& rows, const std::optional<LiveStatus>& live) {
    std::map<Digest, std::uint32_t> attempts;
    for (const Row& row : rows) attempts[row.stage_id] = row.attempt;
    if (live) {
        for (const LiveWorker& worker : live->workers) {
            if (worker.state != WorkerState::running) continue;
            auto& attempt = attempts[worker.stage];
            attempt = std::max(attempt, worker.attempt);
        }
    }
    std::uint64_t sum = 0;
    for (const auto& [stage, attempt] : attempts) sum += attempt;
    return sum;
}

}  // namespace

std::vector<StageState> states_at_work(const Plan& plan, const std::vector<Row>& rows, RunPhase phase,
                                       const std::optional<LiveStatus>& live) {
    std::vector<StageState> states = stage_states(plan, rows);
    if (phase == RunPhase::none || phase == RunPhase::silent) return states;
    const std::map<Digest, StageIndex> positions = positions_of(plan);
    for (const Row& row : rows) {
        const auto stage = positions.find(row.stage_id);
        if (stage == positions.end() || row.outcome.state != StageState::preempted) continue;
        const bool just_leased = live && is_begun(row) && row.finished_unix_s >= live->updated_unix_s;
        if (just_leased)
            states[stage->second] = StageState::running;
        else if (phase != RunPhase::stopping)
            states[stage->second] = StageState::waiting;
    }
    if (!live) return states;
    for (const LiveWorker& worker : live->workers) {
        const auto stage = positions.find(worker.stage);
        if (worker.state != WorkerState::running || stage == positions.end()) continue;
        if (!is_final(states[stage->second])) states[stage->second] = StageState::running;
    }
    return states;
}

RunPhase phase_at(const fs::path& store) { return phase_of(read_live(live_path(store)), sight_of(store), process_is_alive); }

SweepStatus look_at_sweep(const fs::path& path) {
    SweepStatus status;
    // What is at work first, the rows second: a run that ends in between leaves more rows, never fewer.
    const StoreSight sight = sight_of(path);
    auto live = read_live(live_path(path));
    status.phase = phase_of(live, sight, process_is_alive);
    status.can_see_locks = sight.lock != StoreSight::Lock::unknown;
    const StoreReader store(path);
    status.sweep = store.plan().sweep_name;
    status.warnings = store.warnings();
    const bool live_counts =
        status.phase == RunPhase::running || status.phase == RunPhase::stopping || status.phase == RunPhase::silent;
    if (live_counts && live) {
        status.live_age_s = std::max(0.0, sight.now_unix_s - std::max(live->updated_unix_s, sight.live_written_unix_s));
        const std::map<Digest, StageIndex> positions = positions_of(store.plan());
        for (const LiveWorker& worker : live->workers) {
            const auto stage = positions.find(worker.stage);
            status.workers_do.push_back(stage == positions.end() ? "" : describe_stage(store.plan(), stage->second));
        }
        status.live = std::move(live);
    }
    status.stages = states_at_work(store.plan(), store.rows(), status.phase, status.live);
    status.attempts = attempts_of(store.rows(), status.live);
    status.points = point_states(store.plan(), status.stages);
    status.reasons = reasons_of(store.plan(), store.rows());
    return status;
}

}  // namespace fairsweep
