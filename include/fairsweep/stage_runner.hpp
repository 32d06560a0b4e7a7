#pragma once
/// Runs one stage. The study room implements it; tests and the simulator put their own in its place.
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "fairsweep/outcome.hpp"
#include "fairsweep/stage_order.hpp"

namespace fairsweep {

class Collective;

/// What a running stage may ask and tell. Called from the stage's own thread, often (every training step); must be cheap.
struct StageMonitor {
    std::function<void(double fraction_done)> on_progress;  ///< a beat: proves progress to whoever holds the lease
    std::function<bool()> stop_requested;                   ///< true: end at the next step with state `preempted`
    Collective* team = nullptr;                             ///< whose ranks run this stage together; null: one rank alone
    std::vector<int> team_ranks{};                          ///< of the run, in the order of the team
};

class StageRunner {
public:
    virtual ~StageRunner() = default;
    /// Before the first stage, where some stage of the sweep is trained on a GPU. Throws an infrastructure error where this process can
    /// have none.
    virtual void use_gpu() {}
    /// False: what this process runs stages on has failed for good (a GPU after an error), and others should run them. After a stage.
    [[nodiscard]] virtual bool is_fit() const { return true; }
    /// Runs to the end and returns the outcome; a failure of the stage is an outcome, not an exception. The files of its needs
    /// are compared with their digests first: a stage never computes with other bytes than its rows name.
    /// Artefacts are written below the artefact folder as <stage id>.<suffix>: beside, synced, renamed.
    [[nodiscard]] virtual StageOutcome run(const StageOrder& order, const StageMonitor& monitor) = 0;
    /// True when the files that a done stage left are still there, by their size; run() checks their digests.
    [[nodiscard]] virtual bool artefact_present(StageKind kind, const Digest& id, const StageOutcome& outcome) const = 0;
};

/// Makes the runner of one process; `artefact_folder` is the sweep's.
using RunnerFactory = std::function<std::unique_ptr<StageRunner>(const std::filesystem::path& artefact_folder)>;

}  // namespace fairsweep
