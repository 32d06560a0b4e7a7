#include "plan/stage_kinds.hpp"

#include <algorithm>
#include <bit>

#include <nlohmann/json.hpp>

namespace fairsweep {
namespace {

constexpr double kForwardShare = 0.2;              // forward pass against a whole training step
constexpr double kQuantisedFactor = 1.2;           // fake quantisation in a training step
constexpr double kDecodeTrainingS = 0.35e-3;       // one 112x112 JPEG
constexpr double kAlignTestS = 3e-3;               // one 400x400 JPEG, warped to the template
constexpr double kStartS = 0.2;                    // building the network, reading and writing checkpoints
constexpr double kTimedImages = 60;                // the latency stage's passes of one image
constexpr double kAloneFactor = 3.0;               // an image alone in its batch against one of many
constexpr std::uint64_t kCheckpointPercent = 103;  // BatchNorm, slopes, buffers beside the weights
constexpr std::uint64_t kPairsPerImage = 1;        // test sets hold about as many pairs as images

double forward_s(const StageParameters& p) { return kForwardShare * training_image_s(p.architecture); }

std::uint64_t checkpoint_bytes(const NetworkSize& size, std::uint64_t, std::uint64_t) {
    return 4 * static_cast<std::uint64_t>(size.weights) * kCheckpointPercent / 100;
}
std::uint64_t nothing(const NetworkSize&, std::uint64_t, std::uint64_t) { return 0; }

double baseline_cost_s(const StageParameters& p, double images) {
    const int epochs = p.recipe.baseline_epochs;
    return kStartS + images * epochs * (training_image_s(p.architecture) + kDecodeTrainingS / epochs);
}

double compression_cost_s(const StageParameters& p, double images) {
    const double samples = static_cast<double>(p.recipe.finetune_steps) * p.recipe.finetune_batch_samples;
    const double factor = p.bits.is_float() ? 1.0 : kQuantisedFactor;
    return kStartS + samples * factor * training_image_s(p.architecture) + std::min(samples, images) * kDecodeTrainingS;
}

/// What its parameters hold, and what it reads and costs, its command and its section of the job decide.
StageKindInfo program_row() {
    return {.version = 1,
            .needs = {{StageKind::baseline}},
            .needs_are_optional = true,
            .artefact_suffix = ".ext",
            .reads_data = false,
            .leaves_network = true,
            .metrics = {},
            .cost_s = [](const StageParameters&, double) { return Program{}.estimate_s; },
            .disk_bytes = checkpoint_bytes};
}

using Table = PerEnum<StageKind, StageKindInfo>;

Table make_table() {
    using enum StageKind;
    const std::vector<StageKind> network{baseline, compression, external};
    Table kinds;
    kinds[prepare] = {
        .version = 2,
        .needs = {},
        .artefact_suffix = ".faces",
        .has_image_size = true,
        .has_architecture = false,
        .metrics = {},
        .cost_s = [](const StageParameters&, double images) { return kStartS + images * kAlignTestS; },
        .disk_bytes = [](const NetworkSize&, std::uint64_t side, std::uint64_t images) { return images * side * side * 3; }};
    kinds[baseline] = {.version = 3,
                       .needs = {},
                       .artefact_suffix = ".ckpt",
                       .leaves_network = true,
                       .may_use_team = true,
                       .has_seed = true,
                       .metrics = {Metric::loss_first, Metric::loss_last, Metric::sparsity_measured},
                       .cost_s = baseline_cost_s,
                       .disk_bytes = checkpoint_bytes};
    kinds[teacher] = {
        .version = 3,
        .needs = {{baseline, compression}},
        .artefact_suffix = ".emb",
        .metrics = {},
        .cost_s = [](const StageParameters& p,
                     double images) { return kStartS + images * (kDecodeTrainingS + (p.recipe.flip ? 2 : 1) * forward_s(p)); },
        .disk_bytes =
            [](const NetworkSize& size, std::uint64_t, std::uint64_t images) {
                return images * static_cast<std::uint64_t>(size.embedding_size) * 2 * 2;  // face and mirror image, half
            }};
    kinds[compression] = {.version = 2,
                          .needs = {{baseline}, {teacher}},
                          .artefact_suffix = ".ckpt",
                          .leaves_network = true,
                          .may_use_team = true,
                          .has_seed = true,
                          .has_compression = true,
                          .metrics = {Metric::loss_first, Metric::loss_last, Metric::sparsity_measured, Metric::teacher_cosine},
                          .cost_s = compression_cost_s,
                          .disk_bytes = checkpoint_bytes};
    kinds[evaluation] = {
        .version = 2,
        .needs = {network, {prepare}},
        .reads_data = false,
        .measures_points = true,
        .leaves_scores = true,
        .metrics = {Metric::pooled_threshold},
        .cost_s =
            [](const StageParameters& p, double images) {
                return kStartS + 2 * images * forward_s(p);  // the face and its mirror image
            },
        .disk_bytes = [](const NetworkSize&, std::uint64_t, std::uint64_t images) { return kPairsPerImage * images * 4; }};
    kinds[latency] = {
        .version = 1,
        .needs = {network, {prepare}},
        .reads_data = false,
        .measures_points = true,
        .metrics = {Metric::image_time_s, Metric::packed_bytes, Metric::float32_bytes},
        .cost_s = [](const StageParameters& p, double) { return kStartS + kTimedImages * kAloneFactor * forward_s(p); },
        .disk_bytes = nothing};
    kinds[external] = program_row();
    return kinds;
}

}  // namespace

std::uint32_t most_ranks(const Stage& stage) {
    if (!info_of(stage.kind).may_use_team) return 1;
    const auto parameters = nlohmann::json::parse(stage.parameters.text());
    const auto shards = parameters.value("shards", 1U);
    return std::has_single_bit(shards) ? shards : 1;
}

bool runs_on_gpu(const Stage& stage) {
    return stage.parameters.text().find(R"("device":"cuda")") != std::string::npos;  // canonical: no spaces
}

bool uses_gpu(const Plan& plan) { return std::any_of(plan.stages.begin(), plan.stages.end(), runs_on_gpu); }

const StageKindInfo& info_of(StageKind kind) {
    static const Table kTable = make_table();
    return kTable[kind];
}

}  // namespace fairsweep
