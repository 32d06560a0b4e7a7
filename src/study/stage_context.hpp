#pragma once
/// What a stage of the study room works with, and the stages that it runs. No torch in this header.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "fairsweep/stage_parameters.hpp"
#include "fairsweep/stage_runner.hpp"
#include "study/face_batches.hpp"
#include "study/face_cache.hpp"
#include "study/safetensors.hpp"

namespace fairsweep {

[[nodiscard]] std::filesystem::path artefact_path(const std::filesystem::path& folder, StageKind kind, const Digest& id);

/// Beside the artefact, while a stage has not ended: the state of a training; embeddings so far.
inline constexpr const char *kTrainingStateSuffix = ".resume", *kRowsSuffix = ".rows";

struct StageContext {
    const StageOrder& order;
    const StageParameters parameters;
    const std::filesystem::path folder;
    const StageMonitor& monitor;
    FaceCaches& caches;

    [[nodiscard]] std::filesystem::path artefact_of(const Need& need) const { return artefact_path(folder, need.kind, need.id); }
    [[nodiscard]] std::filesystem::path own_artefact() const { return artefact_path(folder, order.kind, order.id); }
    /// The needed stage of that kind. Throws a store error when the order names none: the stage cannot be run from it.
    [[nodiscard]] const Need& need(StageKind kind) const;
    /// The needed stage that left a network. Throws a store error when the order names none.
    [[nodiscard]] const Need& network() const;
    /// The one data set that this stage reads. Throws a store error when the order names none.
    [[nodiscard]] const DataSource& data_source() const;
    /// The training or calibration set, decoded at the input size of the stage's architecture.
    [[nodiscard]] std::shared_ptr<FaceCache> open_faces() const;
    /// This rank's share of the batches of a training of so many steps, from step `first` on; those that are decoded ahead by as
    /// many threads as the stage computes with.
    [[nodiscard]] LoaderOptions batches(std::int64_t first, std::int64_t steps) const;

    void progress(std::int64_t done, std::int64_t all) const;
    [[nodiscard]] bool stop_requested() const { return monitor.stop_requested && monitor.stop_requested(); }
    /// Whether this process leaves the stage's files: the first rank of a team, or the only one.
    [[nodiscard]] bool leaves_files() const;
    /// What the state of an unfinished stage belongs to: the stage, the build, and the very bytes that its needs left.
    [[nodiscard]] Digest state_identity() const;
    /// Removes that state: the stage has ended for good.
    void forget_state() const;
    /// Metadata that every artefact carries: what it is, which stage and which code wrote it.
    [[nodiscard]] std::map<std::string, std::string> metadata(const std::string& kind) const;
};

/// What a program may leave in the place of a network: metadata key `kind`, and the name of the tensor, F32 [pairs].
inline constexpr const char* kScoresKind = "scores";

/// Refuses (data error) an artefact of another kind or of another stage than asked for.
void check_artefact(const SafetensorsFile& file, const std::string& kind, const Digest& stage_id);

[[nodiscard]] StageOutcome done_outcome(const SafetensorsWriter::Written& written);
/// Of a rank whose team's first rank leaves the artefact.
[[nodiscard]] StageOutcome member_outcome();
[[nodiscard]] StageOutcome failed_outcome(FailureClass failure, const std::string& message);
[[nodiscard]] StageOutcome preempted_outcome();
[[nodiscard]] StageOutcome diverged_outcome(const std::string& message);

[[nodiscard]] StageOutcome run_prepare(const StageContext& context);
[[nodiscard]] StageOutcome run_baseline(const StageContext& context);
[[nodiscard]] StageOutcome run_teacher(const StageContext& context);
[[nodiscard]] StageOutcome run_compression(const StageContext& context);
[[nodiscard]] StageOutcome run_evaluation(const StageContext& context);

}  // namespace fairsweep
