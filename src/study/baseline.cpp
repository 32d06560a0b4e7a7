/// The FP32 baseline: ArcFace (Deng et al., CVPR 2019) on a training set of identities.
#include <cmath>

#include "model/margin_head.hpp"
#include "study/checkpoint.hpp"
#include "study/stage_context.hpp"
#include "study/training.hpp"

namespace fairsweep {

StageOutcome run_baseline(const StageContext& context) {
    const StageParameters& parameters = context.parameters;
    const Recipe& recipe = parameters.recipe;
    const std::shared_ptr<FaceCache> faces = context.open_faces();
    DataOrder order({parameters.seed, parameters.data.prefix()}, faces->size(), recipe.baseline_batch_samples, recipe.flip);
    const std::int64_t steps = order.batches_per_epoch() * recipe.baseline_epochs;

    const std::shared_ptr<Network> network = make_network(parameters.architecture, parameters.seed);
    MarginHead head(network->embedding_size(), static_cast<int>(faces->identities()), recipe.margin_scale, parameters.seed);
    network->train();
    Optimiser optimiser(*network, head.parameters(), recipe, recipe.baseline_lr);
    LossTrace losses(steps);
    for (std::int64_t step = 0; step < steps; ++step) {
        if (context.stop_requested()) return preempted_outcome();
        const TrainingBatch batch = make_batch(*faces, order.batch(step));
        optimiser.set_learning_rate(baseline_learning_rate(recipe, step, steps));
        const torch::Tensor logits =
            head.forward(network->forward(batch.images), batch.labels, baseline_margin_rad(recipe, step, steps));
        const double loss = optimiser.step(torch::cross_entropy_loss(logits, batch.labels));
        if (!std::isfinite(loss)) return diverged_outcome(divergence_message(loss, step, steps));
        losses.add(loss);
        context.progress(step + 1, steps);
    }
    const NetworkDescription description{parameters.architecture, Bits{}, 0.0};
    StageOutcome outcome =
        done_outcome(write_checkpoint(context.own_artefact(), *network, description, context.metadata("network")));
    outcome.loss_first = losses.first();
    outcome.loss_last = losses.last();
    return outcome;
}

}  // namespace fairsweep
