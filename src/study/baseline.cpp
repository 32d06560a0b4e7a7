/// The FP32 baseline: a margin loss (model/margin_head.hpp) on a training set of identities.
#include <cmath>

#include "model/margin_head.hpp"
#include "study/augmentation.hpp"
#include "study/checkpoint.hpp"
#include "study/stage_context.hpp"
#include "study/training.hpp"

namespace fairsweep {
namespace {

/// The preset quantface copies the reference's logit, which rises again beyond theta = pi - m.
MarginLoss margin_loss_of(const Recipe& recipe) {
    return {.kind = margin_kind(recipe.margin_loss), .scale = recipe.margin_scale, .falls_to_pi = recipe.preset != "quantface"};
}

torch::Tensor margins_of(const StageContext& context, std::int64_t samples, std::int64_t step, std::int64_t steps) {
    const Recipe& recipe = context.parameters.recipe;
    return draw_margins(samples, recipe.margin_rad, is_elastic_margin(recipe.margin_loss) ? recipe.margin_std : 0.0,
                        margin_share(recipe, step, steps), context.parameters.seed, context.parameters.data.prefix(),
                        static_cast<std::uint64_t>(step));
}

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

    const std::shared_ptr<Network> network = make_network(parameters.architecture, parameters.seed);
    MarginHead head(network->embedding_size(), static_cast<int>(faces->identities()), margin_loss_of(recipe), parameters.seed);
    network->train();
    Optimiser optimiser(*network, head.parameters(), recipe, recipe.baseline_lr, recipe.baseline_nesterov);
    LossTrace losses(steps);
    for (std::int64_t step = 0; step < steps; ++step) {
        if (context.stop_requested()) return preempted_outcome();
        const TrainingBatch batch = augmented_batch(*faces, order, step, parameters);
        optimiser.set_learning_rate(baseline_learning_rate(recipe, step, steps));
        const torch::Tensor margins = margins_of(context, batch.labels.size(0), step, steps);
        const torch::Tensor logits = head.forward(network->forward(batch.images), batch.labels, margins);
        const double loss = optimiser.step(torch::cross_entropy_loss(logits, batch.labels));
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
