#pragma once
/// How far a sweep is, out of its store and the live status beside it. The store says what is done; the live status says what
/// is under way, and counts only while a run is at work: a run that was killed leaves it behind.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "run/live.hpp"
#include "fairsweep/outcome.hpp"
#include "fairsweep/plan.hpp"

namespace fairsweep {

struct SweepStatus {
    std::string sweep;
    std::vector<StageState> points;
    std::vector<StageState> stages;
    std::uint64_t attempts = 0;
    RunPhase phase = RunPhase::none;
    bool can_see_locks = true;            ///< false: the file system has none, and `phase` is by the live status alone
    std::optional<LiveStatus> live;       ///< while the phase is running, stopping or silent
    double live_age_s = 0.0;              ///< of `live`
    std::vector<std::string> workers_do;  ///< [live->workers] the stage of each in words; empty for one without
    std::vector<std::string> reasons;     ///< of every stage that ended badly, in words, in the order of the plan
    std::vector<std::string> warnings;

    [[nodiscard]] bool run_is_at_work() const { return phase != RunPhase::none; }
};

/// What runs on the store at this path, whether it is there yet or not.
[[nodiscard]] RunPhase phase_at(const std::filesystem::path& store);

/// Throws a store error for a missing, foreign or damaged store.
[[nodiscard]] SweepStatus look_at_sweep(const std::filesystem::path& store);

/// States of the plan's stages while a run is at work: what its workers run is running, and so is what it has just leased;
/// what an earlier attempt left waits, since this run takes it up.
[[nodiscard]] std::vector<StageState> states_at_work(const Plan& plan, const std::vector<Row>& rows, RunPhase phase,
                                                     const std::optional<LiveStatus>& live);

}  // namespace fairsweep
