#include "run/run_watch.hpp"

#include <fmt/format.h>

#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

/// A longer gap between two looks is this process's own sleep (a suspended laptop): it counts against nobody.
constexpr double kOwnSleep_s = 5.0;

std::string who_is_left(const LiveStatus& live) {
    std::string text;
    for (const LiveWorker& worker : live.workers) {
        if (worker.state != WorkerState::lost) continue;
        text += fmt::format("{}worker {} (process {} on {})", text.empty() ? "" : ", ", worker.worker, worker.pid, worker.host);
    }
    return text.empty() ? "some rank" : text;
}

}  // namespace

std::optional<std::string> RunWatch::look(const std::optional<LiveStatus>& live, double written_unix_s, double now_s) {
    if (now_s - last_look_s_ > kOwnSleep_s) last_sign_s_ += now_s - last_look_s_;
    last_look_s_ = now_s;
    const bool ended = live && live->state == "ended";
    // The file's time is a sign by itself: on a full disk the coordinator can set it and nothing more.
    if (written_unix_s != written_unix_s_ || ended != ended_) last_sign_s_ = now_s;
    written_unix_s_ = written_unix_s;
    ended_ = ended;
    const double silent_s = now_s - last_sign_s_;
    if (!live) {
        if (silent_s <= limits_.start_s) return std::nullopt;
        return fmt::format("the ranks have given no sign of life within {} of their start: one is stopped or stuck",
                           human_duration(silent_s));
    }
    if (ended) {
        if (silent_s <= limits_.end_s) return std::nullopt;
        return fmt::format("the coordinator has ended, but mpirun still waits for {}: stopped or stuck", who_is_left(*live));
    }
    if (silent_s <= limits_.silence_s) return std::nullopt;
    return fmt::format("the coordinator (rank 0, process {} on {}) has given no sign of life for {}: it is stopped or stuck",
                       live->pid, live->host, human_duration(silent_s));
}

}  // namespace fairsweep
