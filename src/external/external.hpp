#pragma once
/// The stage of the kind external: a user's program makes what fairsweep evaluates (docs/external.md).
#include <filesystem>

#include "study/stage_context.hpp"

namespace fairsweep {

[[nodiscard]] StageOutcome run_external(const StageContext& context);

/// What the program left at `result` becomes the artefact of the stage, checked. Throw data errors for what is not what it
/// should be; values that are not finite are a diverged outcome.
[[nodiscard]] StageOutcome keep_checkpoint(const StageContext& context, const std::filesystem::path& result);
[[nodiscard]] StageOutcome keep_embeddings(const StageContext& context, const std::filesystem::path& result);
[[nodiscard]] StageOutcome keep_scores(const StageContext& context, const std::filesystem::path& result);

}  // namespace fairsweep
