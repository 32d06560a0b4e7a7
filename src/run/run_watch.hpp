#pragma once
/// Whether mpirun is still worth waiting for. It waits for every rank, and a rank that is stopped (SIGSTOP, a debugger) or stuck
/// in the kernel (a dead file server) never ends: the parent decides by what the coordinator says of itself. No clock here.
#include <optional>
#include <string>

#include "run/live.hpp"

namespace fairsweep {

struct WatchLimits {
    double start_s = 180.0;   ///< until the first live status
    double silence_s = 65.0;  ///< between two
    double end_s = 20.0;      ///< from the live status "ended" to the end of mpirun
};

class RunWatch {
public:
    RunWatch(WatchLimits limits, double now_s) : limits_(limits), last_sign_s_(now_s), last_look_s_(now_s) {}

    /// `live`: the run's own live status, nothing before the first. `written_unix_s`: when the file was last written or touched.
    /// Returns why all ranks must be ended, once it is time to.
    [[nodiscard]] std::optional<std::string> look(const std::optional<LiveStatus>& live, double written_unix_s, double now_s);

private:
    WatchLimits limits_;
    double last_sign_s_;  ///< when something last changed
    double last_look_s_;
    double written_unix_s_ = 0.0;
    bool ended_ = false;
};

}  // namespace fairsweep
