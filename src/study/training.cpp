#include "study/training.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "fairsweep/error.hpp"
#include "study/tensors.hpp"

namespace fairsweep {
namespace {

std::vector<torch::Tensor> trainable(const torch::nn::Module& module) {
    std::vector<torch::Tensor> tensors;
    for (const torch::Tensor& tensor : module.parameters())
        if (tensor.requires_grad()) tensors.push_back(tensor);
    return tensors;
}

torch::optim::SGDOptions sgd_options(const Recipe& recipe, double learning_rate, bool nesterov) {
    return torch::optim::SGDOptions(learning_rate)
        .momentum(recipe.momentum)
        .nesterov(nesterov && recipe.momentum > 0.0)
        .weight_decay(recipe.weight_decay);
}

/// Learned steps of quantisers are a group of their own, without weight decay: it would pull every step towards 1.
std::vector<torch::optim::OptimizerParamGroup> groups(const torch::nn::Module& backbone, const std::vector<torch::Tensor>& head,
                                                      const torch::optim::SGDOptions& options) {
    std::vector<torch::Tensor> weights, steps;
    for (const auto& item : backbone.named_parameters()) {
        if (!item.value().requires_grad()) continue;
        (item.key().ends_with("log_step") ? steps : weights).push_back(item.value());
    }
    weights.insert(weights.end(), head.begin(), head.end());
    const auto group = [](std::vector<torch::Tensor> tensors, const torch::optim::SGDOptions& own) {
        return torch::optim::OptimizerParamGroup(std::move(tensors), std::make_unique<torch::optim::SGDOptions>(own));
    };
    std::vector<torch::optim::OptimizerParamGroup> all{group(weights, options)};
    torch::optim::SGDOptions without_decay = options;
    if (!steps.empty()) all.push_back(group(steps, without_decay.weight_decay(0.0)));
    return all;
}

/// torch.nn.utils.clip_grad_norm_; that of C++ reads the norm on the host, which waits for the device.
void clip_gradients(const std::vector<torch::Tensor>& tensors, double most) {
    std::vector<torch::Tensor> gradients, norms;
    for (const torch::Tensor& tensor : tensors) {
        if (!tensor.grad().defined()) continue;
        gradients.push_back(tensor.grad().data());
        norms.push_back(gradients.back().norm(2.0));
    }
    if (gradients.empty()) return;
    const torch::Tensor norm = norms.size() == 1 ? norms[0] : torch::stack(norms).norm(2.0);
    const torch::Tensor factor = (most / (norm + 1e-6)).clamp_max(1.0);
    for (torch::Tensor& gradient : gradients) gradient.mul_(factor);
}

/// `face_of(i)`: pixels and identity of sample i.
template <class FaceOf>
TrainingBatch batch_of(int image_size, std::span<const Sample> samples, torch::Device device, const FaceOf& face_of) {
    const auto count = static_cast<std::int64_t>(samples.size());
    ImageBatch images(count, image_size, device);
    const torch::Tensor labels = torch::empty({count}, sent_to(device).dtype(torch::kLong));
    for (std::int64_t i = 0; i < count; ++i) {
        const auto sample = static_cast<std::size_t>(i);
        const FaceCache::Face face = face_of(sample);
        images.set(i, face.pixels, samples[sample].flip);
        labels.data_ptr<std::int64_t>()[i] = face.identity;
    }
    return {images.tensor(), on_device(labels, device)};
}

}  // namespace

TrainingBatch make_batch(FaceCache& faces, const std::vector<Sample>& samples) {
    return batch_of(faces.image_size(), samples, torch::kCPU, [&](std::size_t i) { return faces.face(samples[i].image); });
}

TrainingBatch make_batch(FaceBatches& batches, std::size_t first, std::span<const Sample> samples, torch::Device device) {
    return batch_of(batches.image_size(), samples, device, [&](std::size_t i) { return batches.face(first + i); });
}

Optimiser::Optimiser(const torch::nn::Module& backbone, const std::vector<torch::Tensor>& head, const Recipe& recipe,
                     double learning_rate, bool nesterov)
    : backbone_(trainable(backbone)),
      clip_norm_(recipe.clip_norm),
      sgd_(groups(backbone, head, sgd_options(recipe, learning_rate, nesterov)), sgd_options(recipe, learning_rate, nesterov)) {}

void Optimiser::set_learning_rate(double learning_rate) {
    for (torch::optim::OptimizerParamGroup& group : sgd_.param_groups())
        static_cast<torch::optim::SGDOptions&>(group.options()).lr(learning_rate);
}

namespace {

[[noreturn]] void refuse_momentum(const std::string& name, const std::string& found) {
    throw_data({.attempted = "cannot go on with a training",
                .where = "momentum " + name,
                .found = found,
                .expected = "momentum of the tensors that are trained",
                .hint = "delete the file, and the stage begins anew"});
}

}  // namespace

std::vector<torch::Tensor> Optimiser::trained() const {
    std::vector<torch::Tensor> all;
    for (const torch::optim::OptimizerParamGroup& group : sgd_.param_groups())
        all.insert(all.end(), group.params().begin(), group.params().end());
    return all;
}

NamedTensors Optimiser::momentum() const {
    NamedTensors named;
    const std::vector<torch::Tensor> tensors = trained();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const auto state = sgd_.state().find(tensors[i].unsafeGetTensorImpl());
        if (state == sgd_.state().end()) continue;
        const torch::Tensor& momentum = static_cast<const torch::optim::SGDParamState&>(*state->second).momentum_buffer();
        if (momentum.defined()) named.emplace_back(std::to_string(i), momentum);
    }
    return named;
}

void Optimiser::set_momentum(const NamedTensors& momentum) {
    const std::vector<torch::Tensor> tensors = trained();
    std::map<std::string, torch::Tensor> by_name(momentum.begin(), momentum.end());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const auto found = by_name.find(std::to_string(i));
        if (found == by_name.end()) continue;
        if (found->second.sizes() != tensors[i].sizes()) refuse_momentum(found->first, "another shape");
        auto state = std::make_unique<torch::optim::SGDParamState>();
        state->momentum_buffer(torch::empty_like(tensors[i]).copy_(found->second));
        sgd_.state()[tensors[i].unsafeGetTensorImpl()] = std::move(state);
        by_name.erase(found);
    }
    if (!by_name.empty()) refuse_momentum(by_name.begin()->first, "no such tensor");
}

double Optimiser::step(const torch::Tensor& loss) {
    const double value = loss.item<double>();
    if (!std::isfinite(value)) return value;
    sgd_.zero_grad();
    loss.backward();
    apply();
    return value;
}

void Optimiser::apply() {
    if (clip_norm_ > 0.0) clip_gradients(backbone_, clip_norm_);
    sgd_.step();
}

void note_losses(const std::optional<StepLosses>& known, std::int64_t steps, LossTrace& losses, LossTrace* seconds) {
    if (!known) return;
    if (!std::isfinite(known->loss))
        throw DivergedError(fmt::format("training diverged: loss {} at step {} of {}", known->loss, known->step + 1, steps));
    losses.add(known->loss);
    if (seconds != nullptr) seconds->add(known->second);
}

}  // namespace fairsweep
