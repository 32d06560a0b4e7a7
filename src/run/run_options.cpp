#include "run/run_options.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>

#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

constexpr int kMaxWorkersPerCore = 4;

}  // namespace

int core_count() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
    return std::max(1, CPU_COUNT(&cores));
}

void check_worker_count(const RunOptions& options, int cores) {
    const int most = kMaxWorkersPerCore * cores;
    if (options.workers && (*options.workers < 0 || *options.workers > most)) {
        throw_usage({.attempted = "cannot start the workers",
                     .where = "--workers",
                     .found = std::to_string(*options.workers),
                     .expected = "0 to " + std::to_string(most) + ": at most " + std::to_string(kMaxWorkersPerCore) +
                                 " per core, " + std::to_string(cores) + (cores == 1 ? " core" : " cores") + " here",
                     .hint = "leave --workers out for one per core; on several machines start the ranks with mpirun yourself: "
                             "fairsweep run --help shows how"});
    }
}

int worker_count(const RunOptions& options, int threads_per_stage, int cores, std::optional<int> gpu_ranks) {
    if (!options.workers) return gpu_ranks.value_or(std::max(1, cores / std::max(1, threads_per_stage)));
    if (!gpu_ranks || *options.workers <= *gpu_ranks) return *options.workers;
    throw_usage({.attempted = "cannot start the workers",
                 .where = "--workers",
                 .found = std::to_string(*options.workers),
                 .expected = fmt::format("at most {}: each trains on a GPU of its own", *gpu_ranks),
                 .hint = "leave --workers out for one per GPU"});
}

}  // namespace fairsweep
