#pragma once
/// What there is to know about each kind of stage, as one table. A new kind is an enumerator with its word, a row here, and the
/// function that runs it (study/runner.hpp): planner, engine, store, merge and status loop over the table.
#include <cstdint>
#include <vector>

#include "fairsweep/metric.hpp"
#include "fairsweep/plan.hpp"
#include "fairsweep/stage_kind.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "plan/cost.hpp"

namespace fairsweep {

struct StageKindInfo {
    /// Of the stage's code. Raise it when results of its stages change: old rows are then not taken for new ones.
    int version = 1;
    /// For each need, in order, the kinds that can meet it.
    std::vector<std::vector<StageKind>> needs;
    bool needs_are_optional = false;   ///< a stage may lack each of them
    const char* artefact_suffix = "";  ///< ".ckpt"; empty: it leaves no file
    bool reads_data = true;            ///< a data set of the job; the others work from what they need
    bool leaves_network = false;       ///< its artefact is a checkpoint, or of a program perhaps scores
    bool measures_points = false;      ///< it belongs to one point, and its figures are the point's
    bool leaves_scores = false;        ///< one similarity per pair
    bool may_use_team = false;         ///< several ranks may run it together, as many as recipe.shards
    // What its canonical parameters hold besides version, data and the keys of the recipe that apply to it.
    bool has_image_size = false;
    bool has_architecture = true;
    bool has_seed = false;
    bool has_compression = false;  ///< bits, sparsity, distillation
    std::vector<Metric> metrics;   ///< what a done row says besides the figures of groups
    /// Seconds on one core; `images` of the set that it reads, or that its prepared faces hold.
    double (*cost_s)(const StageParameters& parameters, double images) = nullptr;
    /// What it leaves on disk for a network of this size with inputs of `side` pixels a side.
    std::uint64_t (*disk_bytes)(const NetworkSize& size, std::uint64_t side, std::uint64_t images) = nullptr;
};

[[nodiscard]] const StageKindInfo& info_of(StageKind kind);

/// Of a team that can run the stage: parts of a batch are added up over ranks as a binary tree, so that only a number of parts that
/// is a power of two can be shared.
[[nodiscard]] std::uint32_t most_ranks(const Stage& stage);
/// Whether the stage, or some stage, runs on a GPU.
[[nodiscard]] bool runs_on_gpu(const Stage& stage);
[[nodiscard]] bool uses_gpu(const Plan& plan);

}  // namespace fairsweep
