/// Verification: a margin loss on identities (model/margin_head.hpp), unit embeddings as the teacher's target, cosines of pairs.
#include <utility>

#include "model/margin_head.hpp"
#include "study/schedule.hpp"
#include "study/sharded_step.hpp"
#include "study/task_training.hpp"

namespace fairsweep {
namespace {

/// The preset quantface copies the reference's logit, which rises again beyond theta = pi - m.
MarginLoss margin_loss_of(const Recipe& recipe) {
    return {.kind = margin_kind(recipe.margin_loss), .scale = recipe.margin_scale, .falls_to_pi = recipe.preset != "quantface"};
}

class MarginBaselineLoss final : public BaselineLoss {
public:
    MarginBaselineLoss(StageParameters parameters, int embedding_size, int identities)
        : parameters_(std::move(parameters)),
          head_(embedding_size, identities, margin_loss_of(parameters_.recipe), parameters_.seed) {}

    std::vector<torch::Tensor> parameters() const override { return head_.parameters(); }
    torch::Tensor of(Network& network, const TrainingBatch& batch, const StepPart& part) override {
        const Recipe& recipe = parameters_.recipe;
        const torch::Tensor margins =
            draw_margins(batch.labels.size(0), recipe.margin_rad, is_elastic_margin(recipe.margin_loss) ? recipe.margin_std : 0.0,
                         margin_share(recipe, part.step, part.steps), parameters_.seed, parameters_.data.prefix(),
                         key_of_part(part.step, part.part, part.shards));
        return torch::cross_entropy_loss(head_.forward(network.outputs(batch.images), batch.labels, margins), batch.labels);
    }

private:
    StageParameters parameters_;
    MarginHead head_;
};

class VerificationTraining final : public TaskTraining {
public:
    std::shared_ptr<Network> fresh_network(const StageParameters& parameters, int) const override {
        return make_network(parameters.architecture, parameters.seed);
    }
    std::unique_ptr<BaselineLoss> baseline_loss(const StageParameters& parameters, const Network& network,
                                                int classes) const override {
        return std::make_unique<MarginBaselineLoss>(parameters, network.embedding_size(), classes);
    }
    torch::Tensor target_of(const torch::Tensor& outputs) const override { return half_units(outputs); }
    std::vector<float> responses(const MirroredEmbeddings& outputs, const PreparedFaces& faces) const override {
        return cosine_scores(outputs, faces.image_a(), faces.image_b());
    }
};

}  // namespace

const TaskTraining& verification_training() {
    static const VerificationTraining training;
    return training;
}

}  // namespace fairsweep
