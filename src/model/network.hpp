#pragma once
/// Face embedding networks: IResNet and MobileFaceNet as the QuantFace reference has them, and reduced members.
/// The state of a plain network (names, shapes, order) is the reference's state_dict.
#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/layers.hpp"
#include "model/precision.hpp"
#include "words/architecture.hpp"

namespace fairsweep {

struct Network : torch::nn::Module {
    explicit Network(Architecture architecture_value) : architecture(architecture_value) {}

    /// images [batch, 3, rows, cols], float32, RGB, in [-1, 1], rows = cols = input_size() -> [batch, embedding_size()],
    /// not normalised. Any memory format. In train mode the batch needs at least two images (BatchNorm1d).
    virtual torch::Tensor forward(torch::Tensor images) = 0;

    /// The embedding, or what the classifier makes of it: logits [batch, classes()].
    torch::Tensor outputs(torch::Tensor images);
    /// Puts a linear layer named "classifier" behind the embedding, of zeros; once.
    void add_classifier(int classes);
    [[nodiscard]] int classes() const;  ///< of the classifier; 0 without
    [[nodiscard]] int output_size() const { return classes() > 0 ? classes() : embedding_size(); }

    /// Dropout before the last linear layer in train mode (IResNet; MobileFaceNet has none and ignores it). Every call
    /// restarts the mask's random numbers from `seed`; probability in [0, 1).
    virtual void set_dropout(double probability, std::uint64_t seed) = 0;

    [[nodiscard]] int embedding_size() const { return architecture.embedding_size; }
    [[nodiscard]] int input_size() const { return architecture.input_size; }

    const Architecture architecture;

private:
    std::shared_ptr<Linear> classifier_;
};

/// The network with weights drawn as the reference draws them: every tensor from its own stream of (seed, its name), so
/// the result depends on nothing else (never on torch's global generator). In train mode; IResNet's features.weight is
/// frozen (requires_grad false). Throws a usage Error for an unknown architecture.
/// With `classes` it has a classifier.
[[nodiscard]] std::shared_ptr<Network> make_network(const std::string& architecture, std::uint64_t seed, int classes = 0);

/// The same without drawing: convolution and linear weights are zero. For loading a state.
[[nodiscard]] std::shared_ptr<Network> build_network(const std::string& architecture);
[[nodiscard]] std::shared_ptr<Network> build_network(const Architecture& architecture);

void set_precision(torch::nn::Module& network, Precision precision);

/// Every parameter and buffer by name, in the reference's state_dict order (per module: parameters, buffers, children in
/// order of registration). The tensors share memory with the module.
using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;
[[nodiscard]] NamedTensors state_of(const torch::nn::Module& module);

/// Copies `state` into the module's tensors. Throws a data Error naming the first missing, unknown or misshapen tensor;
/// its values are unchanged then. set_quantisers() must have been called as when the state was taken; masks come with the state.
void load_state(torch::nn::Module& module, const NamedTensors& state);

/// Layers with weights, and activation points, by name in order of execution.
[[nodiscard]] std::vector<std::pair<std::string, WeightedLayer*>> weighted_layers(torch::nn::Module& module);
[[nodiscard]] std::vector<std::pair<std::string, ActivationPoint*>> activation_points(torch::nn::Module& module);

}  // namespace fairsweep
