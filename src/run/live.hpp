#pragma once
/// What a running sweep tells `status` and people: `<store>.live.json`, written beside and renamed about once a second by
/// rank 0 and once more when it ends; before rank 0 is up its parent says "starting". It is a hint, never the truth: the store
/// is. phase_of() says what it is worth.
///
/// {"version": 1, "sweep": name, "state": "starting" | "running" | "stopping" | "ended", "pid", "host": of rank 0 (of its
///  parent while starting), "silence_s": without an update for so long the run is stuck, "started_unix_s", "updated_unix_s",
///  "attempts": leases granted in this run, "eta_s": [low, high] or null while nothing is known,
///  "points": {"total","done","diverged","running","waiting","preempted","failed","lost","skipped","quarantined"},
///  "stages": {same},
///  "workers": [{"worker": rank, "host", "pid", "state": "idle" | "running" | "revoked" | "lost" | "dismissed",
///               "heard_s_ago", and while running: "stage": id (64 hex digits), "kind", "attempt", "fraction": 0..1,
///               "running_s"}]}
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/coordinator.hpp"
#include "fairsweep/hash.hpp"

namespace fairsweep {

struct LiveWorker {
    std::int32_t worker = 0;  ///< rank
    std::string host;
    std::uint32_t pid = 0;
    WorkerState state = WorkerState::idle;
    double heard_s_ago = 0.0;
    Digest stage;  ///< while running or revoked; zero otherwise
    StageKind kind{};
    std::uint32_t attempt = 0;
    double fraction = 0.0;
    double running_s = 0.0;
};

struct LiveStatus {
    std::string sweep;
    std::string state = "running";
    std::uint32_t pid = 0;
    std::string host;
    double silence_s = 60.0;
    double started_unix_s = 0.0;
    double updated_unix_s = 0.0;
    std::uint64_t attempts = 0;
    std::optional<std::pair<double, double>> eta_s;
    StateCounts points;
    StateCounts stages;
    std::vector<LiveWorker> workers;
};

/// What is at work on a store just now.
enum class RunPhase : std::uint8_t {
    none,
    starting,  ///< a run has begun and has no coordinator yet
    running,
    stopping,
    silent,  ///< it holds the store and gives no sign of life: stopped or stuck
};
template <>
struct Words<RunPhase> {
    static constexpr std::array kWords{"none", "starting", "running", "stopping", "silent"};
};

/// What a reader can see of a store without disturbing it.
struct StoreSight {
    enum class Lock { free, held, unknown } lock = Lock::free;
    double held_since_unix_s = 0.0;    ///< of the last holder
    double live_written_unix_s = 0.0;  ///< time of the live file
    double now_unix_s = 0.0;
    std::string host;  ///< of the reader
};
/// `maker_is_alive`: whether the process that `live` names lives; asked only on its own host.
[[nodiscard]] RunPhase phase_of(const std::optional<LiveStatus>& live, const StoreSight& sight,
                                const std::function<bool(std::uint32_t pid)>& maker_is_alive);

[[nodiscard]] std::string live_to_json(const LiveStatus& status);
/// Throws an infrastructure error (full disk, read-only folder).
void write_live(const std::filesystem::path& path, const LiveStatus& status);
/// Nothing when there is no such file, or it is not what write_live() writes: a hint that cannot be read is no hint.
[[nodiscard]] std::optional<LiveStatus> read_live(const std::filesystem::path& path);

}  // namespace fairsweep
