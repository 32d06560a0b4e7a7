#pragma once
#include <cstdint>
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

inline constexpr std::uint64_t kKeptFacesBytesMax = 2ULL << 30;

/// Runs stages in this process. Artefacts lie in `artefact_folder` (made when missing) as <stage id><suffix of the kind>.
/// Of a stage it sees its order and the artefacts of its needs. One stage at a time; it sets torch's thread count to the stage's
/// threads_per_stage. Decoded faces of a set are kept between stages when they take at most `kept_faces_bytes_max`; of larger
/// sets they are decoded ahead of the training (study/face_batches.hpp), with the same results. Throws an infrastructure error
/// when the folder cannot be written to.
[[nodiscard]] std::unique_ptr<StageRunner> make_stage_runner(std::filesystem::path artefact_folder,
                                                             const StageFunctions& functions = study_functions(),
                                                             std::uint64_t kept_faces_bytes_max = kKeptFacesBytesMax);

}  // namespace fairsweep
