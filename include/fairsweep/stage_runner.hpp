#pragma once
/// Runs one stage. The study room implements it; tests and the simulator put their own in its place.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "fairsweep/outcome.hpp"
#include "fairsweep/plan.hpp"

namespace fairsweep {

/// What a running stage may ask and tell. Called from the stage's own thread, often (every training step); must be cheap.
struct StageMonitor {
    std::function<void(double fraction_done)> on_progress;  ///< a beat: proves progress to whoever holds the lease
    std::function<bool()> stop_requested;                   ///< true: end at the next step with state `preempted`
};

/// What a needed stage left behind, as its row says.
struct NeededArtefact {
    StageIndex stage = 0;
    Digest sha256;  ///< zero: it left no file
};

class StageRunner {
public:
    virtual ~StageRunner() = default;
    /// Runs to the end and returns the outcome; a failure of the stage is an outcome, not an exception. The files of `needs`
    /// are compared with their digests first: a stage never computes with other bytes than its plan's.
    /// Artefacts are written below the artefact folder as <stage id>.<suffix>: beside, synced, renamed.
    [[nodiscard]] virtual StageOutcome run(const Plan& plan, StageIndex stage, std::span<const NeededArtefact> needs,
                                           const StageMonitor& monitor) = 0;
    /// True when the files that a done stage left are still there, by their size; run() checks their digests.
    [[nodiscard]] virtual bool artefact_present(const Stage& stage, const StageOutcome& outcome) const = 0;
};

}  // namespace fairsweep
