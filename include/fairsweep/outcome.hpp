#pragma once
/// What a stage leaves behind: the value that travels from a worker to the coordinator and becomes a row of the store.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fairsweep/enumeration.hpp"
#include "fairsweep/hash.hpp"
#include "fairsweep/metric.hpp"
#include "fairsweep/stage_kind.hpp"

namespace fairsweep {

/// persistent: do not renumber. `waiting` and `running` are never stored: a row without a state is waiting.
enum class StageState : std::uint8_t {
    waiting = 0,
    running = 1,
    done = 2,
    diverged = 3,
    failed = 4,
    lost = 5,
    skipped = 6,
    quarantined = 7,
    preempted = 8,
};
template <>
struct Words<StageState> {
    static constexpr std::array kWords{"waiting", "running", "done",        "diverged", "failed",
                                       "lost",    "skipped", "quarantined", "preempted"};
};
/// done, diverged, failed, lost, skipped or quarantined: nothing more will happen in this run.
[[nodiscard]] bool is_final(StageState state);

/// persistent: do not renumber. Why a stage did not end well; each class has its own budget of attempts.
enum class FailureClass : std::uint8_t {
    none = 0,
    lost = 1,
    hang = 2,
    out_of_memory = 3,
    io = 4,
    numeric = 5,
    config = 6,
    preempted = 7,
    internal = 8,
};
template <>
struct Words<FailureClass> {
    static constexpr std::array kWords{"none",    "lost",   "hang",      "out_of_memory", "io",
                                       "numeric", "config", "preempted", "internal"};
};

/// Longest error text a row keeps, in bytes; longer ones are cut with "...".
inline constexpr std::size_t kMessageBytes = 512;

struct StageOutcome {
    StageState state = StageState::failed;
    FailureClass failure = FailureClass::none;
    std::string message;     ///< error text; empty when all went well
    bool lost_team = false;  ///< failed: its team came apart, for a reason that lies with another rank; not stored
    double wall_s = 0.0;
    double cpu_s = 0.0;
    std::uint64_t peak_memory_bytes = 0;
    Digest artefact;  ///< SHA-256 of the file it left under the artefact folder; zero: none
    std::uint64_t artefact_bytes = 0;
    Metrics measured;                         ///< of those that its kind measures (plan/stage_kinds.hpp); the others are 0
    std::vector<std::vector<double>> groups;  ///< evaluation: [groups of the plan][figures of its task] (plan/tasks.hpp)
    std::vector<float> scores;                ///< evaluation: similarity of every pair, groups in order; goes to a shard
};

/// A row of the store: an outcome with its provenance.
struct Row {
    Digest stage_id;
    StageKind kind{};
    std::uint32_t attempt = 0;
    std::int32_t worker = -1;  ///< rank that ran it
    double finished_unix_s = 0.0;
    std::string host;
    StageOutcome outcome;  ///< `scores` is empty here: read them from the shard
};

}  // namespace fairsweep
