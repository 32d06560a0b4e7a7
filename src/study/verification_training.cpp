/// Verification: a margin loss on identities (model/margin_head.hpp), unit embeddings as the teacher's target, cosines of pairs.
#include <utility>

#include "model/margin_head.hpp"
#include "study/schedule.hpp"
#include "study/sharded_head.hpp"
#include "study/sharded_step.hpp"
#include "study/task_training.hpp"

namespace fairsweep {
namespace {

/// The preset quantface copies the reference's logit, which rises again beyond theta = pi - m.
MarginLoss margin_loss_of(const Recipe& recipe) {
    return {.kind = margin_kind(recipe.margin_loss), .scale = recipe.margin_scale, .falls_to_pi = recipe.preset != "quantface"};
}

torch::Tensor margins_of(const StageParameters& parameters, std::int64_t samples, const StepPart& part) {
    const Recipe& recipe = parameters.recipe;
    return draw_margins(samples, recipe.margin_rad, is_elastic_margin(recipe.margin_loss) ? recipe.margin_std : 0.0,
                        margin_share(recipe, part.step, part.steps), parameters.seed, parameters.data.prefix(),
                        key_of_part(part.step, part.part, part.shards));
}

class MarginBaselineLoss final : public BaselineLoss {
public:
    MarginBaselineLoss(StageParameters parameters, int embedding_size, int identities)
        : parameters_(std::move(parameters)),
          head_(embedding_size, identities, margin_loss_of(parameters_.recipe), parameters_.seed) {}

    std::vector<torch::Tensor> parameters() const override { return head_.parameters(); }
    void to(torch::Device device) override { head_.to(device); }
    torch::Tensor of(Network& network, const TrainingBatch& batch, const StepPart& part) override {
        const torch::Tensor margins = margins_of(parameters_, batch.labels.size(0), part);
        return torch::cross_entropy_loss(head_.forward(network.outputs(batch.images), batch.labels, margins), batch.labels);
    }

private:
    StageParameters parameters_;
    MarginHead head_;
};

/// The same with its classes in blocks; margins are those of the whole head.
class ShardedMarginLoss final : public BaselineLoss {
public:
    ShardedMarginLoss(const StageContext& context, int embedding_size, int identities)
        : parameters_(context.parameters),
          parts_(parts_of(context, context.parameters.recipe.shards)),
          head_(settings_of(parameters_, embedding_size, identities), parts_, context.monitor.team) {}

    std::vector<torch::Tensor> parameters() const override { return {}; }
    void to(torch::Device device) override { head_.to(device); }
    void begin(std::int64_t step, const LabelOf& label_of, std::size_t samples) override {
        std::vector<std::int64_t> labels(samples);
        for (std::size_t i = 0; i < samples; ++i) labels[i] = label_of(i);
        head_.begin(step, std::move(labels));
    }
    torch::Tensor of(Network& network, const TrainingBatch& batch, const StepPart& part) override {
        const std::int64_t samples = batch.labels.size(0);
        return head_.loss(network.outputs(batch.images), part.part, [&](int other) {
            return margins_of(parameters_, samples, {part.step, part.steps, other, part.shards});
        });
    }
    void apply(double learning_rate) override { head_.apply(learning_rate); }
    NamedTensors state() const override { return head_.state(); }
    NamedTensors gathered_state() const override { return head_.gathered_state(); }
    bool is_local() const override { return parts_.count == parts_.shards; }

private:
    static ShardedHead::Settings settings_of(const StageParameters& parameters, int embedding_size, int identities) {
        const Recipe& recipe = parameters.recipe;
        return {.loss = margin_loss_of(recipe),
                .embedding_size = embedding_size,
                .classes = identities,
                .sampling = recipe.head_sampling,
                .momentum = recipe.momentum,
                .weight_decay = recipe.weight_decay,
                .nesterov = recipe.baseline_nesterov && recipe.momentum > 0.0,
                .seed = parameters.seed};
    }
    StageParameters parameters_;
    OwnParts parts_;
    ShardedHead head_;
};

class VerificationTraining final : public TaskTraining {
public:
    std::shared_ptr<Network> fresh_network(const StageParameters& parameters, int) const override {
        return make_network(parameters.architecture, parameters.seed);
    }
    std::unique_ptr<BaselineLoss> baseline_loss(const StageContext& context, const Network& network, int classes) const override {
        if (context.parameters.recipe.head == "sharded")
            return std::make_unique<ShardedMarginLoss>(context, network.embedding_size(), classes);
        return std::make_unique<MarginBaselineLoss>(context.parameters, network.embedding_size(), classes);
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
