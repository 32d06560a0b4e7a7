/// The FP32 baseline: the task's loss on a training set.
#include <cmath>

#include "study/augmentation.hpp"
#include "study/checkpoint.hpp"
#include "study/stage_context.hpp"
#include "study/task_training.hpp"
#include "study/training.hpp"

namespace fairsweep {
namespace {

/// The batch of a step, changed in place: every face by a draw of its own in every epoch.
TrainingBatch augmented_batch(FaceCache& faces, DataOrder& order, std::int64_t step, const StageParameters& parameters) {
    const std::vector<Sample> samples = order.batch(step);
    TrainingBatch batch = make_batch(faces, samples);
    augment({batch.images.data_ptr<float>(), static_cast<std::size_t>(batch.images.numel())}, faces.image_size(), samples,
            augmentation_of(parameters.recipe.augmentation),
            {.seed = parameters.seed, .data = parameters.data.prefix(), .epoch = step / order.batches_per_epoch()});
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
    const std::unique_ptr<BaselineLoss> loss_of_step = training.baseline_loss(parameters, *network, classes);
    network->train();
    Optimiser optimiser(*network, loss_of_step->parameters(), recipe, recipe.baseline_lr, recipe.baseline_nesterov);
    LossTrace losses(steps);
    for (std::int64_t step = 0; step < steps; ++step) {
        if (context.stop_requested()) return preempted_outcome();
        const TrainingBatch batch = augmented_batch(*faces, order, step, parameters);
        optimiser.set_learning_rate(baseline_learning_rate(recipe, step, steps));
        const double loss = optimiser.step(loss_of_step->of(*network, batch, step, steps));
        if (!std::isfinite(loss)) return diverged_outcome(divergence_message(loss, step, steps));
        losses.add(loss);
        context.progress(step + 1, steps);
    }
    const NetworkDescription description{parameters.architecture, Bits{}, 0.0};
    StageOutcome outcome =
        done_outcome(write_checkpoint(context.own_artefact(), *network, description, context.metadata("network")));
    outcome.measured[Metric::loss_first] = losses.first();
    outcome.measured[Metric::loss_last] = losses.last();
    return outcome;
}

}  // namespace fairsweep
