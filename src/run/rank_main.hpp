#pragma once
#include "run/run_sweep.hpp"

namespace fairsweep {

/// One rank under a launcher, from MPI_Init to the exit code; does not return when a rank was lost. Collective.
[[nodiscard]] int run_as_rank(const RunOptions& options, const SweepParts& parts);

}  // namespace fairsweep
