#pragma once
/// What the plan says about order: who waits for whom, how much work hangs on a stage, and which stages of an existing
/// store this run has to do. Pure functions of the plan and of what the store knows.
#include <cstdint>
#include <functional>
#include <vector>

#include "fairsweep/attempt_history.hpp"
#include "fairsweep/ids.hpp"
#include "fairsweep/outcome.hpp"
#include "fairsweep/plan.hpp"

namespace fairsweep {

struct StageGraph {
    std::vector<std::vector<StageIndex>> dependants;  ///< [stages] stages that need this one
    std::vector<double> bottom_level_s;               ///< [stages] cost of the longest path from here to the end, itself included
};
[[nodiscard]] StageGraph make_stage_graph(const Plan& plan);

/// What the store knows about a stage when the run begins.
struct StageBefore {
    StageState state = StageState::waiting;
    Attempt last_attempt{};    ///< highest number used so far; the next one is larger
    AttemptHistory history{};  ///< attempts that came to no end, in all runs since the stage last ended
};

/// How a run begins: the state of every stage, and whether this run may work on it.
struct Opening {
    std::vector<StageBefore> stages;  ///< [stages] states are waiting or final
    std::vector<bool> selected;       ///< [stages]
};

struct OpeningRequest {
    /// Final states that are tried again (--only). Empty: everything that is missing. Not empty: nothing but these, the
    /// stages that were skipped because of them, and what they need.
    std::vector<StageState> only;
    /// Whether a done stage's artefact is still there. Asked only for stages that work of this run needs.
    std::function<bool(StageIndex)> artefact_present = [](StageIndex) { return true; };
};

/// `before` has one entry per stage. Interrupted stages wait again; `skipped` is derived anew from what a stage needs; a
/// done stage whose artefact is gone is done again when somebody needs it.
[[nodiscard]] Opening open_stages(const Plan& plan, std::vector<StageBefore> before, const OpeningRequest& request);

/// A need in this state will never be met.
[[nodiscard]] bool blocks_dependants(StageState state);

}  // namespace fairsweep
