#pragma once
/// What a store knows of a plan before a run begins.
#include <vector>

#include "coordinator/stage_graph.hpp"
#include "store/store.hpp"

namespace fairsweep {

/// Attempts that an earlier run began and nobody saw the end of are told as what they are (fairsweep/attempt_history.hpp),
/// durably. Before the first lease of a run.
void record_interrupted_attempts(Store& store);

/// What the store knows about the plan's stages.
[[nodiscard]] std::vector<StageBefore> stages_before(const Plan& plan, const Store& store);

}  // namespace fairsweep
