/// Compression: a copy of the baseline, pruned and fake-quantised, fine-tuned towards the baseline's own outputs.
/// The sham arm (bits 32, sparsity 0) is this same code with nothing installed.
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "compress/batch_norm.hpp"
#include "compress/distillation.hpp"
#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/random.hpp"
#include "study/checkpoint.hpp"
#include "study/embedding.hpp"
#include "study/finetune_plan.hpp"
#include "study/finetune_steps.hpp"
#include "study/stage_context.hpp"
#include "study/training.hpp"

namespace fairsweep {
namespace {

void check_parameters(const StageParameters& parameters) {
    const FinetunePlan plan = plan_finetune(parameters);
    const std::int64_t learning_steps = plan.observe_until - plan.quantise_at;
    if (parameters.bits.activation != 32 && learning_steps < 1)
        throw_usage({.attempted = "cannot quantise activations",
                     .where = "recipe.observer_steps and recipe.finetune_steps",
                     .found = std::to_string(learning_steps),
                     .expected = "at least 1: ranges have to be learnt first",
                     .hint = ""});
}

std::shared_ptr<Network> make_student(const StageContext& context) {
    const Need& baseline = context.need(StageKind::baseline);
    const SafetensorsFile checkpoint(context.artefact_of(baseline));
    check_artefact(checkpoint, "network", baseline.id);
    const std::shared_ptr<Network> network = read_network(checkpoint);
    network->train();
    set_precision(*network, precision_of(context.parameters.recipe.precision));
    const Recipe& recipe = context.parameters.recipe;
    if (recipe.preset == "modern" && recipe.batch_norm == "folded") fold_batch_norm(*network);
    return network;
}

/// The teacher's target for the batch, each of the orientation that the student sees: [batch, dimensions].
torch::Tensor teacher_of(const MirroredEmbeddings& teacher, const std::vector<Sample>& samples) {
    const std::int64_t dimensions = teacher.plain.size(1);
    torch::Tensor rows = torch::empty({static_cast<std::int64_t>(samples.size()), dimensions});
    float* out = rows.data_ptr<float>();
    for (const Sample& sample : samples) {
        const float* row = (sample.flip ? teacher.mirrored : teacher.plain).const_data_ptr<float>() + sample.image * dimensions;
        out = std::copy(row, row + dimensions, out);
    }
    return rows;
}

double mean_cosine(const torch::Tensor& student, const torch::Tensor& teacher) {
    const torch::NoGradGuard no_gradients;
    return torch::cosine_similarity(student, teacher, 1, 1e-12).mean().item<double>();
}

}  // namespace

StageOutcome run_compression(const StageContext& context) {
    const StageParameters& parameters = context.parameters;
    const Recipe& recipe = parameters.recipe;
    check_parameters(parameters);
    const DistillationLoss distil = distillation_loss(parameters.distillation);
    const FinetunePlan plan = plan_finetune(parameters);
    const std::shared_ptr<FaceCache> faces = context.open_faces();
    const std::shared_ptr<Network> network = make_student(context);
    const Need& teacher_stage = context.need(StageKind::teacher);
    const SafetensorsFile teacher_file(context.artefact_of(teacher_stage));
    check_artefact(teacher_file, "teacher embeddings", teacher_stage.id);
    const MirroredEmbeddings teacher = read_teacher(teacher_file, recipe.flip, faces->size(), network->output_size());

    // Order, flips and dropout depend on seed and data alone: all arms of a seed see the same, so that they differ by
    // compression only.
    const std::uint64_t data_key = parameters.data.prefix();
    DataOrder order({parameters.seed, data_key}, faces->size(), recipe.finetune_batch_samples, recipe.flip);
    std::optional<Optimiser> optimiser;
    const std::int64_t steps = recipe.finetune_steps, batch_norm_steps = batch_norm_live_steps(recipe, steps);
    LossTrace losses(steps);
    LossTrace cosines(steps);
    for (std::int64_t step = 0; step < steps; ++step) {
        if (context.stop_requested()) return preempted_outcome();
        const std::vector<Sample> samples = order.batch(step);
        if (prepare_step(*network, parameters, plan, step) || !optimiser)
            optimiser.emplace(*network, std::vector<torch::Tensor>{}, recipe, recipe.finetune_lr);
        optimiser->set_learning_rate(finetune_learning_rate(recipe, step, steps, order.batches_per_epoch()));
        if (step == batch_norm_steps) freeze_batch_norm(*network);
        network->set_dropout(recipe.dropout,
                             RandomStream(parameters.seed, data_key, "dropout", static_cast<std::uint64_t>(step)).next_u64());
        const torch::Tensor target = teacher_of(teacher, samples);
        const torch::Tensor outputs = network->outputs(make_batch(*faces, samples).images);
        const double loss = optimiser->step(distil(outputs, target, recipe.embedding_loss_scale));
        if (!std::isfinite(loss)) return diverged_outcome(divergence_message(loss, step, steps));
        update_ranges(*network);
        apply_masks(*network);
        FAIRSWEEP_HEAVY_CHECK(broken_mask_entries(*network) == 0, "a pruned weight is not zero after a step");
        losses.add(loss);
        cosines.add(mean_cosine(outputs, target));
        context.progress(step + 1, steps);
    }
    set_observing(*network, false);
    set_precision(*network, Precision::fp32);
    network->eval();
    const NetworkDescription description{parameters.architecture, parameters.bits, parameters.sparsity, settings_of(recipe)};
    StageOutcome outcome =
        done_outcome(write_checkpoint(context.own_artefact(), *network, description, context.metadata("network")));
    outcome.measured[Metric::loss_first] = losses.first();
    outcome.measured[Metric::loss_last] = losses.last();
    outcome.measured[Metric::teacher_cosine] = cosines.last();
    outcome.measured[Metric::sparsity_measured] = measured_sparsity(*network).share();
    return outcome;
}

}  // namespace fairsweep
