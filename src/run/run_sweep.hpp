#pragma once
/// `fairsweep run` without the parts that need data sets and networks, so that tests can put small deterministic ones in
/// their place and drive everything else for real: mpirun, signals, coordinator, workers, store.
///
/// One program plays four parts:
///   parent       checks everything, lays the store out, starts mpirun, shows progress, decides the exit code by the store
///   coordinator  rank 0 under a launcher: runs the plan that its parent has handed over, or the job's own without a parent
///   worker       the other ranks
///   alone        coordinator and worker in one process (--workers 0, or a launcher with one rank)
#include <functional>

#include "fairsweep/items.hpp"
#include "fairsweep/plan.hpp"
#include "fairsweep/stage_runner.hpp"
#include "run/run_options.hpp"

namespace fairsweep {

struct PlannedSweep {
    Plan plan;
    int threads_per_stage = 1;
};

struct SweepParts {
    std::function<PlannedSweep(const RunOptions&)> make_plan;  ///< job file -> plan
    std::function<void(const Plan&)> check_data;               ///< throws when a data set is missing or damaged
    std::function<ItemTable(const Plan&)> items;               ///< of the evaluation set
    RunnerFactory make_runner;
    /// Ranks that the GPUs of this machine have room for; throws an infrastructure error where there are none.
    std::function<int()> count_gpu_ranks{};
};

/// The exit code of the contract. Throws Error before any work has started; in ranks of a launcher it does not return when
/// MPI cannot be finished (a rank was lost), but ends the process.
[[nodiscard]] int run_sweep(const RunOptions& options, const SweepParts& parts);

}  // namespace fairsweep
