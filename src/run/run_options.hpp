#pragma once
/// The words of `fairsweep run` as a value.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "fairsweep/outcome.hpp"

namespace fairsweep {

struct RunOptions {
    std::filesystem::path job;
    std::filesystem::path store;
    std::optional<int> workers;  ///< nothing: one per core; 0: one process without MPI
    std::vector<StageState> only;
    std::uint32_t max_failures = 0;      ///< 0: no limit
    std::vector<std::string> overrides;  ///< --set
    bool quiet = false;
    std::vector<std::string> words;  ///< as they were typed after "run"

    // How patient the ranks are; tests shorten them through the environment (FAIRSWEEP_WORKER_SILENCE_S and so on).
    double worker_silence_s = 15.0;
    double coordinator_silence_s = 60.0;
    double drain_s = 60.0;
    double start_s = 120.0;  ///< limit for MPI_Init
    double end_s = 20.0;     ///< time after the sweep's end at which ranks that are still there are ended by force
    double beat_s = 1.0;
    double grow_after_s = 120.0;  ///< with teams of those who would be idle: what a stage has run, and has to go, before it gets more
};

/// A usage error when more workers are asked for than four per core.
void check_worker_count(const RunOptions& options, int cores);
/// Workers to start on this machine: as asked, or one for each GPU where they need one (`gpu_ranks`), or as many as fit with
/// `threads_per_stage` threads each. Throws a usage error when more are asked for than there are GPUs.
[[nodiscard]] int worker_count(const RunOptions& options, int threads_per_stage, int cores, std::optional<int> gpu_ranks = std::nullopt);
[[nodiscard]] int core_count();  ///< cores this process may use

}  // namespace fairsweep
