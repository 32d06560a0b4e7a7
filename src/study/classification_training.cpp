/// Classification: cross-entropy on the classes of a linear layer behind the embedding, the teacher's logits as the target, mean
/// logits of a face and its mirror image as the response.
#include "compress/non_finite_error.hpp"
#include "study/task_training.hpp"

namespace fairsweep {
namespace {

void refuse_non_finite(const torch::Tensor& logits, const char* whose) {
    if (!torch::isfinite(logits).all().item<bool>())
        throw NonFiniteError("the classifier", std::string(whose) + " gives NaN or infinite logits");
}

class CrossEntropyLoss final : public BaselineLoss {
public:
    std::vector<torch::Tensor> parameters() const override { return {}; }  // the classifier is the network's
    void to(torch::Device) override {}
    torch::Tensor of(Network& network, const TrainingBatch& batch, const StepPart&) override {
        return torch::cross_entropy_loss(network.outputs(batch.images), batch.labels);
    }
};

class ClassificationTraining final : public TaskTraining {
public:
    std::shared_ptr<Network> fresh_network(const StageParameters& parameters, int classes) const override {
        return make_network(parameters.architecture, parameters.seed, classes);
    }
    std::unique_ptr<BaselineLoss> baseline_loss(const StageContext&, const Network&, int) const override {
        return std::make_unique<CrossEntropyLoss>();
    }
    torch::Tensor target_of(const torch::Tensor& outputs) const override {
        const torch::Tensor half = outputs.to(torch::kHalf).contiguous();
        refuse_non_finite(half, "the teacher");
        return half;
    }
    std::vector<float> responses(const MirroredEmbeddings& outputs, const PreparedFaces&) const override {
        torch::Tensor logits = outputs.plain.to(torch::kDouble);
        if (outputs.mirrored.defined()) logits = 0.5 * (logits + outputs.mirrored.to(torch::kDouble));
        refuse_non_finite(logits, "the network");
        logits = logits.to(torch::kFloat).contiguous();
        const float* const values = logits.const_data_ptr<float>();
        return {values, values + logits.numel()};
    }
};

}  // namespace

const TaskTraining& classification_training() {
    static const ClassificationTraining training;
    return training;
}

}  // namespace fairsweep
