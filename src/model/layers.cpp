#include "model/layers.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "model/prelu.hpp"

namespace fairsweep {
namespace {

constexpr int kSafeStridedChannels = 16;

}  // namespace

torch::Tensor WeightedLayer::used_weight() const {
    if (ready_weight.defined()) {
        TORCH_CHECK(!is_training(), "a network that was made ready for inference does not train");
        return ready_weight;
    }
    if (!weight_transform) return weight;
    RECORD_FUNCTION("fairsweep::quantise_weight", c10::ArrayRef<const c10::IValue>{});
    return weight_transform(weight);
}

void WeightedLayer::set_pruned(const torch::Tensor& pruned) {
    TORCH_CHECK(pruned.sizes() == weight.sizes() && pruned.scalar_type() == torch::kBool, "a mask of the weight's shape");
    if (weight_pruned.defined()) {
        weight_pruned.copy_(pruned);
    } else {
        weight_pruned = register_buffer("weight_pruned", pruned.to(weight.device(), torch::kBool, /*non_blocking=*/false, /*copy=*/true));
    }
}

Convolution::Convolution(const ConvolutionShape& shape_value) : shape(shape_value) {
    kind = Kind::convolution;
    weight = register_parameter("weight", torch::zeros({shape.out, shape.in / shape.groups, shape.kernel, shape.kernel}));
}

torch::Tensor Convolution::forward(const torch::Tensor& x) {
    // Masters and their gradients stay float32; to() of the same type is the tensor itself.
    const torch::Tensor input = x.to(compute_type), used = used_weight().to(compute_type);
    torch::Tensor y;
    if (shape.kernel == 1 && shape.stride == 2 && std::min(shape.in, shape.out) < kSafeStridedChannels) {
        const torch::Tensor corners = input.slice(2, 0, std::nullopt, 2).slice(3, 0, std::nullopt, 2);
        y = torch::conv2d(corners.contiguous(), used, ready_bias, /*stride=*/1, torch::IntArrayRef{0}, 1, shape.groups);
    } else {
        y = torch::conv2d(input, used, ready_bias, shape.stride, shape.padding, 1, shape.groups);
    }
    output_pixels = y.size(2) * y.size(3);
    return y;
}

torch::Tensor Convolution::forward_normalised(const torch::Tensor& x) {
    torch::Tensor y = forward(x);
    return ready_bias.defined() ? y : norm(y);
}

NormAffine affine_of(const torch::nn::BatchNorm2dImpl& norm) {
    const torch::Tensor factor =
        norm.weight.to(torch::kDouble) / (norm.running_var.to(torch::kDouble) + norm.options.eps()).sqrt();
    return {factor, norm.bias.to(torch::kDouble) - norm.running_mean.to(torch::kDouble) * factor};
}

Linear::Linear(int in, int out, bool with_bias) {
    kind = Kind::linear;
    weight = register_parameter("weight", torch::zeros({out, in}));
    if (with_bias) bias = register_parameter("bias", torch::zeros({out}));
}

torch::Tensor Linear::forward(const torch::Tensor& x) { return torch::linear(x.to(torch::kFloat), used_weight(), bias); }

torch::Tensor ActivationPoint::forward(torch::Tensor x) {
    if (!transform_) return x;
    RECORD_FUNCTION("fairsweep::quantise_activation", c10::ArrayRef<const c10::IValue>{});
    const torch::ScalarType type = x.scalar_type();
    if (type == torch::kFloat) return transform_->forward(std::move(x));
    return transform_->forward(x.to(torch::kFloat)).to(type);
}

void ActivationPoint::attach(std::shared_ptr<ActivationTransform> transform) {
    if (transform_) unregister_module("quantiser");
    transform_ = std::move(transform);
    if (transform_) register_module("quantiser", transform_);
}

PRelu::PRelu(int channels) {
    kind = Kind::prelu;
    weight = register_parameter("weight", torch::full({channels}, 0.25));
    output = register_module("output", std::make_shared<ActivationPoint>());
}

torch::Tensor PRelu::forward(const torch::Tensor& x) {
    const torch::Tensor slopes = used_weight();
    return output->forward(torch::GradMode::is_enabled() ? fairsweep::prelu(x, slopes) : fairsweep::prelu_in_place(x, slopes));
}

torch::Tensor residual_sum(const torch::Tensor& x, torch::Tensor y) { return torch::GradMode::is_enabled() ? x + y : y.add_(x); }

void Dropout::set(double probability, std::uint64_t seed) {
    TORCH_CHECK(probability >= 0.0 && probability < 1.0, "dropout probability must be in [0, 1)");
    probability_ = probability;
    generator_ = at::detail::createCPUGenerator(seed);
}

torch::Tensor Dropout::forward(torch::Tensor x) {
    if (!is_training() || probability_ == 0.0) return x;
    // Drawn on the host, so that every device has the same.
    const double keep = 1.0 - probability_;
    const torch::Tensor mask = torch::empty_like(x, x.options().device(torch::kCPU).pinned_memory(x.is_cuda()));
    return x * mask.bernoulli_(keep, generator_).div_(keep).to(x.device(), /*non_blocking=*/true);
}

}  // namespace fairsweep
