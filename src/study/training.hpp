#pragma once
/// What both trainings share: batches of faces, the optimiser, one guarded step.
#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "model/network.hpp"
#include "study/data_order.hpp"
#include "study/face_batches.hpp"
#include "study/face_cache.hpp"
#include "study/schedule.hpp"

namespace fairsweep {

struct TrainingBatch {
    torch::Tensor images;  ///< [batch, 3, size, size], channels-last
    torch::Tensor labels;  ///< int64 [batch], identities; on the device of the images
};
[[nodiscard]] TrainingBatch make_batch(FaceCache& faces, const std::vector<Sample>& samples);
/// Samples first ... first + samples.size() - 1 of the present batch of `batches`, which are these.
[[nodiscard]] TrainingBatch make_batch(FaceBatches& batches, std::size_t first, std::span<const Sample> samples,
                                       torch::Device device = torch::kCPU);

/// SGD with momentum (Nesterov's by default) and weight decay on every trainable tensor, the backbone's gradients clipped to an
/// L2 norm. The arithmetic is torch's (torch.optim.SGD, torch.nn.utils.clip_grad_norm_).
class Optimiser {
public:
    /// `head`: trainable tensors beside the backbone that are not clipped (the class matrix).
    Optimiser(const torch::nn::Module& backbone, const std::vector<torch::Tensor>& head, const Recipe& recipe,
              double learning_rate, bool nesterov = true);
    void set_learning_rate(double learning_rate);
    /// The momentum of every tensor that has some, named by its place among those that are trained; and back. The tensors of an
    /// optimiser are the same, in the same order, whenever it is made for the same network. set_momentum() throws a data error
    /// for a place that is none, or another shape.
    [[nodiscard]] NamedTensors momentum() const;
    void set_momentum(const NamedTensors& momentum);
    /// Backward from `loss` (0-dimensional), clip, step. Returns the loss's value; when it is not finite, nothing was changed.
    [[nodiscard]] double step(const torch::Tensor& loss);
    /// Clip and step with the gradients that the tensors have.
    void apply();
    /// What is trained, in the order of registration; head last but for the learned steps of quantisers.
    [[nodiscard]] std::vector<torch::Tensor> trained() const;

private:
    std::vector<torch::Tensor> backbone_;
    double clip_norm_;
    torch::optim::SGD sgd_;
};

/// A training that cannot go on: a result, no failure.
struct DivergedError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// What a step of a training left.
struct StepLosses {
    std::int64_t step = 0;  ///< from 0
    double loss = 0.0;      ///< mean over the batch; not finite: the training has diverged, and its state is not to be kept
    double second = 0.0;    ///< of what else was measured
};
/// Adds what is known to the traces. Throws DivergedError, "training diverged: loss nan at step 12 of 375".
void note_losses(const std::optional<StepLosses>& known, std::int64_t steps, LossTrace& losses, LossTrace* seconds = nullptr);

}  // namespace fairsweep
