#pragma once
/// What the stages of a task do with tensors. A new task is a row of plan/tasks.cpp, its figures (metrics/task_figures.cpp), its
/// images (study/items.cpp) and one of these.
#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "model/network.hpp"
#include "study/embedding.hpp"
#include "study/prepared_faces.hpp"
#include "study/stage_context.hpp"
#include "study/training.hpp"

namespace fairsweep {

/// Which part of which step of a training. Steps and parts count from 0.
struct StepPart {
    std::int64_t step = 0, steps = 1;
    int part = 0, shards = 1;
};

using LabelOf = std::function<std::int64_t(std::size_t sample)>;

/// The loss of a baseline, with what it trains beside the network.
class BaselineLoss {
public:
    virtual ~BaselineLoss() = default;
    /// What the optimiser trains.
    [[nodiscard]] virtual std::vector<torch::Tensor> parameters() const = 0;
    virtual void to(torch::Device device) = 0;
    /// Before the parts of a step, with the labels of this rank's samples. Collective.
    virtual void begin(std::int64_t /*step*/, const LabelOf& /*label_of*/, std::size_t /*samples*/) {}
    /// After them: trains what it has beyond parameters(). Local.
    virtual void apply(double /*learning_rate*/) {}
    /// What is kept of it beside the network: this rank's, sharing its memory; and that of all ranks. The latter: Collective.
    [[nodiscard]] virtual NamedTensors state() const;
    [[nodiscard]] virtual NamedTensors gathered_state() const { return state(); }
    /// False: no part may be computed twice, since other ranks take part in it.
    [[nodiscard]] virtual bool is_local() const { return true; }
    /// The mean over a part of a batch, 0-dimensional.
    [[nodiscard]] virtual torch::Tensor of(Network& network, const TrainingBatch& batch, const StepPart& part) = 0;
};

class TaskTraining {
public:
    virtual ~TaskTraining() = default;
    /// The network that a baseline starts from; `classes` of its training set.
    [[nodiscard]] virtual std::shared_ptr<Network> fresh_network(const StageParameters& parameters, int classes) const = 0;
    [[nodiscard]] virtual std::unique_ptr<BaselineLoss> baseline_loss(const StageContext& context, const Network& network,
                                                                      int classes) const = 0;
    /// What a student is to match, from a teacher's outputs [images, values]: as it is kept, in half precision. Throws
    /// NonFiniteError.
    [[nodiscard]] virtual torch::Tensor target_of(const torch::Tensor& outputs) const = 0;
    /// What an evaluation stores of a network's outputs on the images and their mirror images: [items, values per item].
    /// Throws NonFiniteError.
    [[nodiscard]] virtual std::vector<float> responses(const MirroredEmbeddings& outputs, const PreparedFaces& faces) const = 0;
};

[[nodiscard]] const TaskTraining& verification_training();
[[nodiscard]] const TaskTraining& classification_training();

/// Throws a store error for an unknown task.
[[nodiscard]] const TaskTraining& training_of(std::string_view task);

}  // namespace fairsweep
