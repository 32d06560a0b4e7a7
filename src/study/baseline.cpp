/// The FP32 baseline: the task's loss on a training set.
#include <cmath>
#include <span>
#include <utility>

#include "study/augmentation.hpp"
#include "study/checkpoint.hpp"
#include "study/sharded_step.hpp"
#include "study/stage_checkpoints.hpp"
#include "study/stage_context.hpp"
#include "study/task_training.hpp"
#include "study/training.hpp"

namespace fairsweep {
namespace {

/// A part of the present batch, changed in place: every face by a draw of its own in every epoch.
TrainingBatch augmented_batch(FaceBatches& batches, std::span<const Sample> samples, const PartRange& part, std::int64_t epoch,
                              const StageParameters& parameters) {
    const std::span<const Sample> own = samples.subspan(part.first, part.count);
    TrainingBatch batch = make_batch(batches, part.first, own);
    augment({batch.images.data_ptr<float>(), static_cast<std::size_t>(batch.images.numel())}, batches.image_size(), own,
            augmentation_of(parameters.recipe.augmentation),
            {.seed = parameters.seed, .data = parameters.data.prefix(), .epoch = epoch});
    return batch;
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
    const std::shared_ptr<Network> network = training.fresh_network(parameters, classes);
    const std::unique_ptr<BaselineLoss> baseline_loss = training.baseline_loss(parameters, *network, classes);
    network->train();
    Optimiser optimiser(*network, baseline_loss->parameters(), recipe, recipe.baseline_lr, recipe.baseline_nesterov);
    ShardedStep sharded(context, *network, recipe.shards);
    LossTrace losses(steps);
    StageCheckpoints checkpoints(context);
    const TrainingParts parts{*network, baseline_loss->parameters(), &optimiser, {&losses}};
    if (checkpoints.steps_done() > 0) checkpoints.restore(parts, optimiser);
    sharded.check_same_start(checkpoints.steps_done());
    FaceBatches batches(faces, std::move(order), context.batches(checkpoints.steps_done(), steps));
    for (std::int64_t step = checkpoints.steps_done(); step < steps; ++step) {
        const bool is_stopping = sharded.stop_requested();
        if (context.leaves_files()) checkpoints.keep(step, parts, is_stopping);
        if (is_stopping) return preempted_outcome();
        const std::span<const Sample> samples = batches.next();
        optimiser.set_learning_rate(baseline_learning_rate(recipe, step, steps));
        const ShardedStep::LossOfPart loss_of_part = [&](int part) {
            const TrainingBatch batch = augmented_batch(batches, samples, range_of_part(samples.size(), part, sharded.parts()),
                                                        step / batches.batches_per_epoch(), parameters);
            return std::pair(baseline_loss->of(*network, batch, {step, steps, part, recipe.shards}), 0.0);
        };
        const double loss = sharded.run(optimiser, loss_of_part).loss;
        if (!std::isfinite(loss)) return diverged_outcome(divergence_message(loss, step, steps));
        losses.add(loss);
        context.progress(step + 1, steps);
    }
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
