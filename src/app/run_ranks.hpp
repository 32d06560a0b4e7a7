#pragma once
/// The parts of `fairsweep run` that drive the loops: a rank under a launcher, and everything in one process.
#include "coordinator_loop.hpp"
#include "run_sweep.hpp"
#include "store/store.hpp"

namespace fairsweep {

/// What this run has to do, by options and by what the store and the artefact folder hold. `runner` and `store` must outlive it.
[[nodiscard]] OpeningRequest opening_request(const RunOptions& options, const Plan& plan, const Store& store,
                                             const StageRunner& runner);

/// Coordinator and worker in turns on this thread, the stage on another. Returns when all is done or stopped.
void run_alone(const RunOptions& options, const SweepParts& parts, const Plan& plan, Store& store);

/// The exit code; does not return when a rank was lost.
[[nodiscard]] int run_as_rank(const RunOptions& options, const SweepParts& parts);

}  // namespace fairsweep
