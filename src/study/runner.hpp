#pragma once
#include <filesystem>
#include <memory>

#include "fairsweep/stage_runner.hpp"

namespace fairsweep {

struct StageContext;

/// What runs a stage of each kind; null: nothing does.
using StageFunction = StageOutcome (*)(const StageContext& context);
using StageFunctions = PerEnum<StageKind, StageFunction>;
/// Those of this room: all but latency, which counts the bytes that an export would write (export/latency.hpp).
[[nodiscard]] StageFunctions study_functions();

/// Runs stages in this process. Artefacts lie in `artefact_folder` (made when missing) as <stage id><suffix of the kind>.
/// Of a stage it sees its order and the artefacts of its needs. One stage at a time; it sets torch's thread count to the stage's
/// threads_per_stage. Throws an infrastructure error when the folder cannot be written to.
[[nodiscard]] std::unique_ptr<StageRunner> make_stage_runner(std::filesystem::path artefact_folder,
                                                             const StageFunctions& functions = study_functions());

}  // namespace fairsweep
