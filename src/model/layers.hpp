#pragma once
/// The layers that compression can act on. Each carries an empty place for it: an empty place costs one branch, so a
/// network without compression computes exactly what the plain network computes.
#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace fairsweep {

/// Computes the weight that a layer uses from its master weight, on every forward pass (fake quantisation).
using WeightTransform = std::function<torch::Tensor(const torch::Tensor& master)>;

/// A layer with a parameter named "weight" that a WeightTransform may replace in the forward pass.
struct WeightedLayer : torch::nn::Module {
    enum class Kind { convolution, linear, prelu };
    Kind kind{};
    torch::Tensor weight;              ///< master; conv [out, in / groups, rows, cols], linear [out, in], prelu [channels]
    WeightTransform weight_transform;  ///< empty: the master itself
    torch::ScalarType compute_type = torch::kFloat;  ///< of a convolution's arithmetic; set_precision() sets it
    torch::Tensor ready_weight;                      ///< undefined, or what used_weight() gives from now on (model/inference.hpp)
    torch::Tensor weight_pruned;  ///< undefined, or bool of weight's shape: true is held at zero (compress/pruning.hpp)

    /// Keeps `pruned` (bool, of weight's shape) as the buffer "weight_pruned".
    void set_pruned(const torch::Tensor& pruned);

    [[nodiscard]] torch::Tensor used_weight() const;
};

struct ConvolutionShape {
    int in = 0, out = 0, kernel = 1, stride = 1, padding = 0, groups = 1;
};

struct Convolution : WeightedLayer {  ///< no bias, as everywhere in these networks
    explicit Convolution(const ConvolutionShape& shape);
    /// A 1x1 convolution with stride 2 and fewer than 16 channels on a side runs on the subsampled map, which is the same
    /// arithmetic: LibTorch 2.15 crashes in the weight gradient of a channels-last one.
    torch::Tensor forward(const torch::Tensor& x);
    /// With the BatchNorm behind it.
    torch::Tensor forward_normalised(const torch::Tensor& x);
    ConvolutionShape shape;
    /// The BatchNorm that takes the output of this convolution, and of nothing else; the network's, which registers it.
    torch::nn::BatchNorm2d norm{nullptr};
    torch::Tensor ready_bias;        ///< undefined, or the shift of a norm that ready_weight has absorbed (model/inference.hpp)
    std::int64_t output_pixels = 0;  ///< rows x cols of the last forward pass's output (network_cost)
};

/// What a BatchNorm does in eval mode: factor * x + shift, float64 [channels].
struct NormAffine {
    torch::Tensor factor, shift;
};
[[nodiscard]] NormAffine affine_of(const torch::nn::BatchNorm2dImpl& norm);

struct Linear : WeightedLayer {
    Linear(int in, int out, bool with_bias);
    torch::Tensor forward(const torch::Tensor& x);
    torch::Tensor bias;  ///< undefined without bias
};

/// A part of a network with one input and one output, [batch, channels, rows, cols].
struct Unit : torch::nn::Module {
    virtual torch::Tensor forward(const torch::Tensor& x) = 0;
};

/// What may be attached to an ActivationPoint. It may overwrite x, which no operation before it keeps for its gradient
/// (neither PReLU nor an addition needs its output).
struct ActivationTransform : torch::nn::Module {
    virtual torch::Tensor forward(torch::Tensor x) = 0;
};

/// A place in the network where the activation may be quantised. Identity while nothing is attached; the attached
/// module is the child "quantiser", so its buffers are part of the state and a plain network has none.
struct ActivationPoint : torch::nn::Module {
    /// Quantisers work in float32; a bfloat16 activation is widened for them and rounded again.
    torch::Tensor forward(torch::Tensor x);
    void attach(std::shared_ptr<ActivationTransform> transform);  ///< replaces what was attached; null detaches
    [[nodiscard]] const std::shared_ptr<ActivationTransform>& attached() const { return transform_; }

private:
    std::shared_ptr<ActivationTransform> transform_;
};

struct PRelu : WeightedLayer {  ///< one slope per channel, then an activation point
    explicit PRelu(int channels);
    /// Overwrites x where no gradient is recorded.
    torch::Tensor forward(const torch::Tensor& x);
    std::shared_ptr<ActivationPoint> output;
};

/// x + y; overwrites y where no gradient is recorded.
[[nodiscard]] torch::Tensor residual_sum(const torch::Tensor& x, torch::Tensor y);

/// Dropout with its own generator, so that the numbers do not depend on what else draws from torch's.
struct Dropout : torch::nn::Module {
    torch::Tensor forward(torch::Tensor x);  ///< identity in eval mode or when probability is 0
    void set(double probability, std::uint64_t seed);

private:
    double probability_ = 0.0;
    torch::Generator generator_;
};

}  // namespace fairsweep
