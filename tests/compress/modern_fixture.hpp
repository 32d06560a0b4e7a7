#pragma once
/// Small networks and single quantisers of preset "modern", for its tests.
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "compress/distillation.hpp"
#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "support/quantface_golden.hpp"

namespace fairsweep::test {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr const char* kSmallNetworks[] = {"iresnet10-w16-56", "mobilefacenet-w16-56"};
inline constexpr RangeRule kWeightRules[] = {RangeRule::learned, RangeRule::minmax, RangeRule::percentile, RangeRule::mse};
inline constexpr RangeRule kActivationRules[] = {RangeRule::moving_average, RangeRule::minmax, RangeRule::percentile,
                                                 RangeRule::mse, RangeRule::learned};

inline QuantiserSettings modern(RangeRule weights = RangeRule::learned, RangeRule activations = RangeRule::moving_average) {
    QuantiserSettings settings;
    settings.preset = Preset::modern;
    settings.weight_range = weights;
    settings.activation_range = activations;
    return settings;
}

inline std::shared_ptr<Network> small_network(const char* name, Bits bits, const QuantiserSettings& settings) {
    auto network = make_network(name, 3);
    set_quantisers(*network, bits, settings);
    calibrate_weights(*network);
    return network;
}

inline const torch::Tensor& images() {
    static const torch::Tensor values = golden::noise({8, 3, 56, 56}, 11);
    return values;
}

/// Slopes of exactly 1, not quantised: the activation quantiser alone is left.
inline void pass_through(PRelu& prelu, int bits, const QuantiserSettings& settings) {
    const torch::NoGradGuard no_grad;
    prelu.weight.fill_(1.0);
    set_quantisers(prelu, {.weight = 32, .activation = bits}, settings);
    prelu.weight_transform = nullptr;
}

/// A PRelu that passes values on to its quantiser, with the range set.
struct OneQuantiser {
    OneQuantiser(int bits, const QuantiserSettings& settings, float min, float max) : prelu(std::make_shared<PRelu>(1)) {
        pass_through(*prelu, bits, settings);
        set_activation_ranges(*prelu, {{"output", min, max}});
        set_observing(*prelu, false);
    }
    torch::Tensor forward(const torch::Tensor& x) { return prelu->forward(x.view({1, 1, 1, -1})).flatten(); }
    std::shared_ptr<PRelu> prelu;
};

/// A global threshold would empty whole layers of an untrained network.
inline void prune_half_of_every_layer(Network& network) {
    for (const auto& [name, layer] : weighted_layers(network)) {
        if (layer->kind == WeightedLayer::Kind::prelu) continue;
        const torch::Tensor magnitude = layer->weight.detach().abs();
        layer->set_pruned(magnitude < magnitude.median());
    }
    apply_masks(network);
}

inline std::vector<double> train(Network& network, int steps, const std::function<void()>& after_step = {}) {
    std::vector<torch::Tensor> trainable;
    for (const torch::Tensor& parameter : network.parameters())
        if (parameter.requires_grad()) trainable.push_back(parameter);
    torch::optim::SGD optimiser(trainable, torch::optim::SGDOptions(0.05).momentum(0.9).nesterov(true));
    const torch::Tensor teacher = golden::noise({images().size(0), network.embedding_size()}, 12);
    std::vector<double> losses;
    for (int step = 0; step < steps; ++step) {
        optimiser.zero_grad();
        const torch::Tensor loss = embedding_loss(network.forward(images()), teacher, 128.0);
        loss.backward();
        optimiser.step();
        update_ranges(network);
        apply_masks(network);
        losses.push_back(loss.item<double>());
        if (after_step) after_step();
    }
    return losses;
}

}  // namespace fairsweep::test
