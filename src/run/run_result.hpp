#pragma once
/// What a run came to. The store alone decides: never what mpirun or a rank returned.
#include <string>

#include "coordinator/coordinator.hpp"
#include "run/run_options.hpp"
#include "store/store.hpp"

namespace fairsweep {

/// States of the plan's points by what the store holds (plan/point_state.hpp).
[[nodiscard]] StateCounts points_of(const Plan& plan, const std::vector<StageBefore>& stages);

/// 0 all done (diverged points are results), 1 some failed, were lost or skipped, 75 stopped and resumable, 4 ended early.
[[nodiscard]] int exit_code_of(const StateCounts& points, bool stopped, bool limited);

/// The same command, quoted for a shell, with another --only, or with none when `only` is empty.
[[nodiscard]] std::string command_with_only(const RunOptions& options, const std::string& only);

/// Logs how the run ended, and how to go on when there is more to do. Returns the exit code.
[[nodiscard]] int result_of(const Plan& plan, const std::vector<StageBefore>& stages, const RunOptions& options);

}  // namespace fairsweep
