#pragma once
#include <filesystem>
#include <memory>

#include "fairsweep/stage_runner.hpp"

namespace fairsweep {

/// Runs stages in this process. Artefacts lie in `artefact_folder` (made when missing) as <stage id>.<faces|ckpt|emb>.
/// Of a stage it sees its order and the artefacts of its needs. One stage at a time; it sets torch's thread count to the stage's
/// threads_per_stage. Throws an infrastructure error when the folder cannot be written to.
[[nodiscard]] std::unique_ptr<StageRunner> make_stage_runner(std::filesystem::path artefact_folder);

}  // namespace fairsweep
