#include "model/network_cost.hpp"

#include <memory>
#include <utility>

namespace fairsweep {
namespace {

/// Takes the quantisers of activations off: an observing one would learn from the probe image.
class WithoutQuantisers {
public:
    explicit WithoutQuantisers(Network& network) {
        for (const auto& [name, point] : activation_points(network)) {
            kept_.emplace_back(point, point->attached());
            point->attach(nullptr);
        }
    }
    ~WithoutQuantisers() {
        for (auto& [point, transform] : kept_) point->attach(std::move(transform));
    }
    WithoutQuantisers(const WithoutQuantisers&) = delete;
    WithoutQuantisers& operator=(const WithoutQuantisers&) = delete;

private:
    std::vector<std::pair<ActivationPoint*, std::shared_ptr<ActivationTransform>>> kept_;
};

/// Makes every convolution see its output size.
void run_probe(Network& network) {
    const torch::NoGradGuard no_gradients;
    const bool was_training = network.is_training();
    network.eval();
    const int side = network.input_size();
    static_cast<void>(network.forward(torch::zeros({1, 3, side, side})));
    network.train(was_training);
}

std::int64_t parameters_of(const torch::nn::Module& module) {
    std::int64_t count = 0;
    for (const torch::Tensor& parameter : module.parameters()) count += parameter.numel();
    return count;
}

std::int64_t macs_of(torch::nn::Module& module) {
    std::int64_t macs = 0;
    for (const auto& [name, layer] : weighted_layers(module)) {
        if (const auto* convolution = dynamic_cast<const Convolution*>(layer))
            macs += layer->weight.numel() * convolution->output_pixels;
        if (layer->kind == WeightedLayer::Kind::linear) macs += layer->weight.numel();
    }
    return macs;
}

void count_layers(Network& network, NetworkCost& cost) {
    for (const auto& [name, layer] : weighted_layers(network)) {
        cost.convolutions += layer->kind == WeightedLayer::Kind::convolution ? 1 : 0;
        cost.linears += layer->kind == WeightedLayer::Kind::linear ? 1 : 0;
        cost.prelus += layer->kind == WeightedLayer::Kind::prelu ? 1 : 0;
        if (layer->kind != WeightedLayer::Kind::prelu) cost.quantised += layer->weight.numel();
    }
    for (const auto& module : network.modules(/*include_self=*/false)) {
        if (dynamic_cast<const torch::nn::BatchNorm2dImpl*>(module.get()) != nullptr) ++cost.batch_norms_2d;
        if (!module->children().empty() || dynamic_cast<const WeightedLayer*>(module.get()) != nullptr) continue;
        for (const torch::Tensor& buffer : module->buffers(/*recurse=*/false)) cost.buffers += buffer.numel();
    }
    cost.activation_points = static_cast<int>(activation_points(network).size());
}

}  // namespace

NetworkCost network_cost(Network& network) {
    const WithoutQuantisers plain(network);
    run_probe(network);
    NetworkCost cost;
    for (const auto& item : network.named_children()) {
        ModuleCost module{item.key(), parameters_of(*item.value()), macs_of(*item.value())};
        cost.parameters += module.parameters;
        cost.macs += module.macs;
        if (module.parameters > 0) cost.modules.push_back(std::move(module));
    }
    count_layers(network, cost);
    return cost;
}

}  // namespace fairsweep
