#pragma once
/// A program of the user's, run and watched to its end: output, time, stop.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "fairsweep/start_program.hpp"
#include "fairsweep/sweep.hpp"

namespace fairsweep {

struct WatchedEnd {
    enum class How {
        not_started,  ///< code: errno
        exited,       ///< code: of its exit
        killed,       ///< code: the signal, which we did not send
        stopped,      ///< it was asked to
        out_of_time,
    };
    How how{};
    int code = 0;
    std::string last_words;  ///< the end of its output, in one line
    std::uint64_t peak_memory_bytes = 0;
};

/// Runs the program in a process group of its own. Standard output and error go to `log`, a file of at most settings.log_bytes.
/// `keep_going` is asked about twenty times a second; once it says no, and at the time limit, the group gets the stop signal and
/// after the grace SIGKILL. What is left of the group when the program has ended is killed. Should this process die, the
/// program gets SIGKILL. Throws infrastructure errors.
[[nodiscard]] WatchedEnd run_watched(const std::vector<std::string>& words, const Environment& environment,
                                     const ProgramSettings& settings, const std::filesystem::path& log,
                                     const std::function<bool(double elapsed_s)>& keep_going);

}  // namespace fairsweep
