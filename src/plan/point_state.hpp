#pragma once
/// The state of a point, out of the states of its stages. One rule for a run at work, status, merge and reports.
#include <span>
#include <vector>

#include "fairsweep/outcome.hpp"
#include "fairsweep/plan.hpp"

namespace fairsweep {

/// `stage_states` [stages]: waiting where there is no row, running where a worker is at it now. Returns [points]:
/// 1. done when its evaluation and all its further measurements are done;
/// 2. running when its network's stage or one that measures it is running;
/// 3. diverged, failed, lost or quarantined when its network's stage, else the first that measures it, ended so;
/// 4. preempted when one of these was;
/// 5. skipped when one of these is, or when a stage that they need ended without success;
/// 6. waiting otherwise.
[[nodiscard]] std::vector<StageState> point_states(const Plan& plan, std::span<const StageState> stage_states);

/// [stages] by rows alone: waiting where there is none.
[[nodiscard]] std::vector<StageState> stage_states(const Plan& plan, std::span<const Row> rows);

}  // namespace fairsweep
