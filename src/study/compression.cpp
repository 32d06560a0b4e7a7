/// Compression: a copy of the baseline, pruned and fake-quantised, fine-tuned towards the baseline's own outputs.
/// The sham arm (bits 32, sparsity 0) is this same code with nothing installed.
#include <algorithm>
#include <optional>
#include <span>
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
#include "study/sharded_step.hpp"
#include "study/stage_checkpoints.hpp"
#include "study/stage_context.hpp"
#include "study/stage_device.hpp"
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
    const Recipe& recipe = context.parameters.recipe;
    set_precision(*network, precision_of(recipe.precision));
    network->to(open_device(recipe, recipe.precision));
    if (recipe.preset == "modern" && recipe.batch_norm == "folded") fold_batch_norm(*network);
    return network;
}

/// Gives the network the masks and quantisers that it had in the state to go on from; their content comes with the state.
void rebuild(Network& network, const StageParameters& parameters, const FinetunePlan& plan, const StageCheckpoints& checkpoints) {
    for (const auto& [name, layer] : weighted_layers(network))
        if (checkpoints.has_network_tensor(name + ".weight_pruned"))
            layer->set_pruned(torch::zeros(layer->weight.sizes(), torch::kBool));
    if (checkpoints.steps_done() > plan.quantise_at) set_quantisers(network, parameters.bits, settings_of(parameters.recipe));
}

StageOutcome leave_network(const StageContext& context, Network& network) {
    set_observing(network, false);
    set_precision(network, Precision::fp32);
    network.eval();
    const StageParameters& parameters = context.parameters;
    const NetworkDescription description{parameters.architecture, parameters.bits, parameters.sparsity,
                                         settings_of(parameters.recipe)};
    if (!context.leaves_files()) return member_outcome();
    return done_outcome(write_checkpoint(context.own_artefact(), network, description, context.metadata("network")));
}

torch::Tensor mean_cosine(const torch::Tensor& student, const torch::Tensor& teacher) {
    const torch::NoGradGuard no_gradients;
    return torch::cosine_similarity(student, teacher, 1, 1e-12).mean();
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
    const TeacherTargets teacher(teacher_file, recipe.flip, faces->size(), network->output_size());

    // Order, flips and dropout depend on seed and data alone: all arms of a seed see the same, so that they differ by
    // compression only.
    const std::uint64_t data_key = parameters.data.prefix();
    DataOrder order({parameters.seed, data_key}, faces->size(), recipe.finetune_batch_samples, recipe.flip);
    std::optional<Optimiser> optimiser;
    const std::int64_t steps = recipe.finetune_steps, batch_norm_steps = batch_norm_live_steps(recipe, steps);
    LossTrace losses(steps);
    LossTrace cosines(steps);
    const torch::Device device = network->parameters().front().device();
    ShardedStep sharded(context, *network, recipe.shards, device);
    StageCheckpoints checkpoints(context);
    const auto parts = [&] { return TrainingParts{*network, {}, optimiser ? &*optimiser : nullptr, {&losses, &cosines}}; };
    if (checkpoints.steps_done() > 0) {
        rebuild(*network, parameters, plan, checkpoints);
        optimiser.emplace(*network, std::vector<torch::Tensor>{}, recipe, recipe.finetune_lr);
        checkpoints.restore(parts(), *optimiser);
        if (checkpoints.steps_done() > batch_norm_steps) freeze_batch_norm(*network);
    }
    sharded.check_same_start(checkpoints.steps_done());
    FaceBatches batches(faces, std::move(order), context.batches(checkpoints.steps_done(), steps));
    const auto note = [&](const std::optional<StepLosses>& known) { note_losses(known, steps, losses, &cosines); };
    for (std::int64_t step = checkpoints.steps_done(); step < steps; ++step) {
        const bool is_stopping = sharded.stop_requested();
        if (is_stopping || sharded.agrees_to_keep(checkpoints.is_due(step))) {
            note(sharded.settle());
            if (context.leaves_files()) checkpoints.keep(step, parts(), is_stopping);
        }
        if (is_stopping) return preempted_outcome();
        const std::span<const Sample> samples = batches.next();
        if (prepare_step(*network, parameters, plan, step) || !optimiser)
            optimiser.emplace(*network, std::vector<torch::Tensor>{}, recipe, recipe.finetune_lr);
        optimiser->set_learning_rate(finetune_learning_rate(recipe, step, steps, batches.batches_per_epoch()));
        if (step == batch_norm_steps) freeze_batch_norm(*network);
        note(sharded.run(step, *optimiser, [&](int part) {
            const PartRange range = range_of_part(samples.size(), part, sharded.parts());
            const std::span<const Sample> own = samples.subspan(range.first, range.count);
            network->set_dropout(
                recipe.dropout,
                RandomStream(parameters.seed, data_key, "dropout", key_of_part(step, part, recipe.shards)).next_u64());
            const torch::Tensor target = teacher.of(own, device);
            const torch::Tensor outputs = network->outputs(make_batch(batches, range.first, own, device).images);
            return ShardedStep::PartLoss{distil(outputs, target, recipe.embedding_loss_scale), mean_cosine(outputs, target)};
        }));
        sharded.update_ranges();
        apply_masks(*network);
        FAIRSWEEP_HEAVY_CHECK(broken_mask_entries(*network) == 0, "a pruned weight is not zero after a step");
        context.progress(step + 1, steps);
    }
    note(sharded.settle());
    StageOutcome outcome = leave_network(context, *network);
    outcome.measured[Metric::loss_first] = losses.first();
    outcome.measured[Metric::loss_last] = losses.last();
    outcome.measured[Metric::teacher_cosine] = cosines.last();
    outcome.measured[Metric::sparsity_measured] = measured_sparsity(*network).share();
    return outcome;
}

}  // namespace fairsweep
