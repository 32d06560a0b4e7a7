#pragma once
/// What a job file says, once it is parsed and checked. Immutable after that.
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fairsweep/axis.hpp"
#include "fairsweep/enumeration.hpp"
#include "fairsweep/stage_kind.hpp"

namespace fairsweep {

enum class Arm : std::uint8_t { dense = 0, sham = 1, compressed = 2 };  // persistent: do not renumber
template <>
struct Words<Arm> {
    static constexpr std::array kWords{"dense", "sham", "compressed"};
};

/// A rule that removes points from the grid.
struct Constraint {
    std::string text;  ///< as written, for reports: "architecture == iresnet34 and training_set == ms1mv2"
};

/// How networks are trained and compressed. Every field is part of the identity of the stages that use it.
/// Job keys are the field names with the prefix as written here: `recipe.baseline_epochs` and so on.
struct Recipe {
    std::string preset = "quantface";

    // FP32 baseline: a margin loss on identities, SGD, horizontal flip.
    int baseline_epochs = 16;
    int baseline_batch_samples = 128;
    double baseline_lr = 0.1;
    double baseline_lr_warmup_fraction = 0.0;             ///< share of the steps; before the schedule
    std::string baseline_schedule = "steps";              ///< "steps" or "cosine"
    std::vector<int> baseline_milestones{8, 14, 20, 25};  ///< steps: rate / 10 from each of these epochs on, counted from 1
    bool baseline_nesterov = false;
    std::string margin_loss = "arcface";  ///< "arcface", "cosface", "elastic-arcface" or "elastic-cosface"
    double margin_scale = 64.0;           ///< s
    double margin_rad = 0.5;              ///< m: an angle (ArcFace), or a cosine (CosFace)
    double margin_std = 0.05;             ///< elastic losses: deviation of m over samples
    std::string head = "whole";           ///< of the classes; "sharded": cut into as many blocks as the batch has parts
    double head_sampling = 1.0;           ///< of a sharded head: share of the classes that a step takes
    double margin_warmup_fraction = 0.0;  ///< m rises linearly from 0 over this share of the steps
    std::string augmentation = "none";    ///< random crop and colours beside the flip: "none", "light" or "strong"
    std::string baseline_precision = "fp32";  ///< as precision below

    // Compression: fine-tune against the teacher's unit embeddings.
    int finetune_steps = 11350;
    int finetune_batch_samples = 128;
    double finetune_lr = 0.1;
    std::string finetune_schedule = "constant";  ///< "constant", "last-epoch" (rate / 10 there) or "cosine"
    double embedding_loss_scale = 1.0;           ///< times the mean squared error between unit embeddings
    int observer_steps = 299;                    ///< ranges are learnt in the first so many steps, then frozen; "modern": all
    double dropout = 0.4;                        ///< in the student, train mode; "modern": 0
    std::string precision = "fp32";              ///< of the student's convolutions in training: "fp32", "bf16", or on a GPU "tf32"

    // Pruning; the axis `pruning` may set these per point. No part of a dense or sham point's identity.
    std::string sparsity_pattern = "unstructured";  ///< "unstructured", "2:4" or "channels"
    std::string sparsity_scope = "global";          ///< "global" or "layer": where magnitudes are ranked
    std::string sparsity_schedule = "one-shot";     ///< "one-shot" or "cubic"
    std::string order = "together";                 ///< "together", "prune-first" or "quantise-first"

    // Preset "modern" only (docs/quantisers.md); "quantface" is fixed and does not read them.
    std::string weight_grid = "symmetric";            ///< or asymmetric
    std::string weight_granularity = "channel";       ///< one step per output channel; or tensor
    std::string weight_range = "learned";             ///< steps trained (LSQ); or minmax, percentile, mse
    std::string activation_grid = "asymmetric";       ///< or symmetric
    std::string activation_range = "moving-average";  ///< or minmax, percentile, mse, learned
    double range_averaging = 0.01;                    ///< weight of the newest batch in averaged ranges
    double range_percentile = 0.9999;                 ///< share of the values on this side of each end of a percentile range
    int edge_bits = 8;                                ///< least weight bits of the first convolution and the last linear layer
    int slope_bits = 8;                               ///< least bits of PReLU slopes, where activations are quantised
    std::string batch_norm = "frozen";                ///< statistics fixed after batch_norm_live_fraction; or live, folded
    double batch_norm_live_fraction = 1.0 / 3.0;      ///< share of the steps

    // Both.
    double momentum = 0.9;
    double weight_decay = 5e-4;
    double clip_norm = 5.0;  ///< L2 norm of all gradients of the backbone
    bool flip = true;        ///< horizontal flip with probability one half

    std::string program = "none";  ///< [program.NAME] that makes the networks of its arms; none: fairsweep itself does
    int threads_per_stage = 1;     ///< changes numbers in the last bit: part of the identity
    int shards = 1;
    std::string device = "cpu";    ///< what networks are trained and evaluated on: "cpu" or "cuda"
};

/// A distillation with this ending has the compressed network with the next larger bits as its teacher.
inline constexpr std::string_view kChainSuffix = "-chain";
[[nodiscard]] inline bool is_chain(std::string_view distillation) {
    return distillation.size() > kChainSuffix.size() &&
           distillation.substr(distillation.size() - kChainSuffix.size()) == kChainSuffix;
}

/// The loss of a distillation: "embedding" of "embedding-chain".
[[nodiscard]] inline std::string loss_of(const std::string& distillation) {
    return is_chain(distillation) ? distillation.substr(0, distillation.size() - kChainSuffix.size()) : distillation;
}

/// A margin drawn anew for every sample: the loss names that begin with "elastic-".
[[nodiscard]] inline bool is_elastic_margin(const std::string& margin_loss) { return margin_loss.rfind("elastic-", 0) == 0; }

struct DataSource {
    std::string name;
    std::string format;               ///< "recordio", "rfw", "folder" ...
    std::filesystem::path path;       ///< after ${VARIABLE} expansion; never part of an identity
    std::vector<std::string> groups;  ///< group names where the data are absent (rfw); empty: the RFW four
};

/// A key of [recipe] with its value, as written.
struct RecipeSetting {
    std::string key;
    std::string text;
};

/// How a program of the user's is watched while it runs. No part of an identity; of the files, their contents are.
struct ProgramSettings {
    double time_limit_s = 86400.0;
    std::string stop_signal = "TERM";       ///< sent to its process group when the stage has to end: TERM, INT, USR1 ...
    double grace_s = 30.0;                  ///< from then to SIGKILL
    std::uint64_t log_bytes = 1ULL << 20U;  ///< most bytes of its output that are kept
    std::vector<std::string> depends{};     ///< files whose content decides what it does
    bool operator==(const ProgramSettings&) const = default;
};

/// [program.NAME]: a program that makes networks, embeddings or scores in place of fairsweep's own training.
struct Program {
    std::string command;                                ///< with placeholders; run without a shell
    std::string result = "checkpoint";                  ///< what it leaves at {artefact}: "checkpoint", "embeddings" or "scores"
    std::vector<Arm> arms{Arm::sham, Arm::compressed};  ///< whose networks it makes
    double estimate_s = 600.0;                          ///< of one run, for plans
    ProgramSettings settings;
};

/// A grid: the product of its axes' values, where axes that are zipped go together.
struct AxisBlock {
    std::string name;                              ///< of [axes.NAME]; empty: [axes]
    std::vector<std::vector<AxisValue>> values;    ///< [Sweep::axes], each at least one
    std::vector<std::vector<std::size_t>> zipped;  ///< axes whose values, equally many, are walked together
};

/// The grid that a sweep has without a word about it: distillation of embeddings, pruning as the recipe says.
[[nodiscard]] AxisBlock default_axis_block();

/// [run]: how stages are run. No part of an identity.
struct RunSettings {
    double checkpoint_s = 60.0;    ///< a stage leaves what it goes on from at most this often; 0: after every step
    std::uint32_t team_ranks = 0;  ///< ranks that run a stage together; 0 (auto): those who would be idle
    bool operator==(const RunSettings&) const = default;
};

struct Sweep {
    std::string name;
    std::string task = "verification";
    std::vector<std::uint64_t> seeds{1};
    std::vector<Arm> arms{Arm::dense, Arm::sham, Arm::compressed};
    std::vector<StageKind> measurements;  ///< of every point, besides its evaluation

    std::vector<AxisInfo> axes = common_axes();  ///< those of every sweep, then the recipe keys that vary
    /// Values of an axis in the first block.
    [[nodiscard]] std::vector<AxisValue>& values(Axis axis) { return blocks.front().values.at(index_of(axis)); }
    [[nodiscard]] const std::vector<AxisValue>& values(Axis axis) const { return blocks.front().values.at(index_of(axis)); }
    std::vector<AxisBlock> blocks{default_axis_block()};  ///< the sweep's points are those of all blocks

    std::vector<Constraint> constraints;
    Recipe recipe;                               ///< of points whose axes change none of its keys
    std::vector<RecipeSetting> recipe_settings;  ///< the keys that it was made from, for points with another preset
    std::string evaluation_data;
    RunSettings run;
    std::map<std::string, Program> programs;  ///< by name
    std::map<std::string, DataSource> data;   ///< by name
    std::string source_text;                  ///< the job file after --set, for provenance
};

}  // namespace fairsweep
