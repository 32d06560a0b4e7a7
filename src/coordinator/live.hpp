#pragma once
/// What a running sweep tells `status` and people: `<store>.live.json`, written beside and renamed about once a second by
/// rank 0 and once more when it ends. It is a hint, never the truth: the store is. A reader judges its age by `updated_unix_s`.
///
/// {"version": 1, "sweep": name, "state": "running" | "stopping" | "ended", "pid", "host": of rank 0,
///  "started_unix_s", "updated_unix_s",
///  "attempts": leases granted in this run, "eta_s": [low, high] or null while nothing is known,
///  "points": {"total","done","diverged","running","waiting","preempted","failed","lost","skipped","quarantined"},
///  "stages": {same},
///  "workers": [{"worker": rank, "host", "pid", "state": "idle" | "running" | "revoked" | "lost" | "dismissed",
///               "heard_s_ago", and while running: "stage": id (64 hex digits), "kind", "attempt", "fraction": 0..1,
///               "running_s"}]}
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/coordinator.hpp"
#include "fairsweep/hash.hpp"

namespace fairsweep {

struct LiveWorker {
    WorkerId worker = 0;
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
    double started_unix_s = 0.0;
    double updated_unix_s = 0.0;
    std::uint64_t attempts = 0;
    std::optional<std::pair<double, double>> eta_s;
    StateCounts points;
    StateCounts stages;
    std::vector<LiveWorker> workers;
};

[[nodiscard]] std::string live_to_json(const LiveStatus& status);
/// Throws an infrastructure error (full disk, read-only folder).
void write_live(const std::filesystem::path& path, const LiveStatus& status);
/// Nothing when there is no such file, or it is not what write_live() writes: a hint that cannot be read is no hint.
[[nodiscard]] std::optional<LiveStatus> read_live(const std::filesystem::path& path);

}  // namespace fairsweep
