/// The baseline: the task's loss on a training set.
#include <optional>
#include <span>
#include <utility>

#include "study/augmentation.hpp"
#include "study/checkpoint.hpp"
#include "study/sharded_step.hpp"
#include "study/stage_checkpoints.hpp"
#include "study/stage_context.hpp"
#include "study/stage_device.hpp"
#include "study/task_training.hpp"
#include "study/training.hpp"

namespace fairsweep {
namespace {

/// A part of the present batch, changed in place: every face by a draw of its own in every epoch.
TrainingBatch augmented_batch(FaceBatches& batches, std::span<const Sample> samples, const PartRange& part, std::int64_t epoch,
                              const StageParameters& parameters, torch::Device device) {
    const std::span<const Sample> own = samples.subspan(part.first, part.count);
    if (parameters.recipe.augmentation == Recipe{}.augmentation) return make_batch(batches, part.first, own, device);
    const TrainingBatch batch = make_batch(batches, part.first, own);
    augment({batch.images.data_ptr<float>(), static_cast<std::size_t>(batch.images.numel())}, batches.image_size(), own,
            augmentation_of(parameters.recipe.augmentation),
            {.seed = parameters.seed, .data = parameters.data.prefix(), .epoch = epoch});
    return {batch.images.to(device), batch.labels.to(device)};
}

}  // namespace

StageOutcome run_baseline(const StageContext& context) {
    const StageParameters& parameters = context.parameters;
    const Recipe& recipe = parameters.recipe;
    const std::shared_ptr<FaceCache> faces = context.open_faces();
    DataOrder order({parameters.seed, parameters.data.prefix()}, faces->size(), recipe.baseline_batch_samples, recipe.flip);
    const std::int64_t steps = order.batches_per_epoch() * recipe.baseline_epochs;

    const TaskTraining& training = training_of(parameters.task);
    const auto classes = static_cast<int>(faces->identities());
    const torch::Device device = open_device(recipe, recipe.baseline_precision);
    const std::shared_ptr<Network> network = training.fresh_network(parameters, classes);
    const std::unique_ptr<BaselineLoss> baseline_loss = training.baseline_loss(context, *network, classes);
    network->to(device);
    baseline_loss->to(device);
    network->train();
    set_precision(*network, precision_of(recipe.baseline_precision));
    Optimiser optimiser(*network, baseline_loss->parameters(), recipe, recipe.baseline_lr, recipe.baseline_nesterov);
    ShardedStep sharded(context, *network, recipe.shards, device);
    LossTrace losses(steps);
    StageCheckpoints checkpoints(context);
    if (!baseline_loss->is_local()) sharded.forbid_repeats();
    const auto parts = [&](NamedTensors head) { return TrainingParts{*network, std::move(head), &optimiser, {&losses}}; };
    if (checkpoints.steps_done() > 0) checkpoints.restore(parts(baseline_loss->state()), optimiser);
    sharded.check_same_start(checkpoints.steps_done());
    FaceBatches batches(faces, std::move(order), context.batches(checkpoints.steps_done(), steps));
    const auto note = [&](const std::optional<StepLosses>& known) { note_losses(known, steps, losses); };
    for (std::int64_t step = checkpoints.steps_done(); step < steps; ++step) {
        const bool is_stopping = sharded.stop_requested();
        if (is_stopping || sharded.agrees_to_keep(checkpoints.is_due(step))) {
            note(sharded.settle());
            NamedTensors head = baseline_loss->gathered_state();
            if (context.leaves_files()) checkpoints.keep(step, parts(std::move(head)), is_stopping);
        }
        if (is_stopping) return preempted_outcome();
        const std::span<const Sample> samples = batches.next();
        const double learning_rate = baseline_learning_rate(recipe, step, steps);
        optimiser.set_learning_rate(learning_rate);
        baseline_loss->begin(step, [&](std::size_t i) { return batches.face(i).identity; }, samples.size());
        const ShardedStep::LossOfPart loss_of_part = [&](int part) {
            const TrainingBatch batch = augmented_batch(batches, samples, range_of_part(samples.size(), part, sharded.parts()),
                                                        step / batches.batches_per_epoch(), parameters, device);
            return ShardedStep::PartLoss{baseline_loss->of(*network, batch, {step, steps, part, recipe.shards})};
        };
        note(sharded.run(step, optimiser, loss_of_part));
        baseline_loss->apply(learning_rate);
        context.progress(step + 1, steps);
    }
    note(sharded.settle());
    set_precision(*network, Precision::fp32);
    StageOutcome outcome =
        context.leaves_files()
            ? done_outcome(write_checkpoint(context.own_artefact(), *network, {parameters.architecture, Bits{}, 0.0},
                                            context.metadata("network")))
            : member_outcome();
    outcome.measured[Metric::loss_first] = losses.first();
    outcome.measured[Metric::loss_last] = losses.last();
    return outcome;
}

}  // namespace fairsweep
