#pragma once
#include "fairsweep/plan.hpp"
#include "run/run_sweep.hpp"
#include "store/store.hpp"

namespace fairsweep {

/// Coordinator and worker in turns on this thread, the stage on another. Returns when all is done or stopped.
void run_alone(const RunOptions& options, const SweepParts& parts, const Plan& plan, Store& store);

}  // namespace fairsweep
