#include "model/network.hpp"

#include <cmath>
#include <map>
#include <span>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/hash.hpp"
#include "fairsweep/random.hpp"
#include "model/families.hpp"

namespace fairsweep {
namespace {

RandomStream stream_of(std::uint64_t seed, const std::string& name) { return {seed, sha256(name).prefix(), "init"}; }

void fill_normal(torch::Tensor tensor, RandomStream random, double deviation) {
    for (float& value : std::span(tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())))
        value = static_cast<float>(deviation * random.normal());
}

void fill_uniform(torch::Tensor tensor, RandomStream random, double bound) {
    for (float& value : std::span(tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())))
        value = static_cast<float>(random.uniform(-bound, bound));
}

/// IResNet: convolutions N(0, 0.1), linear as PyTorch does (uniform within 1 / sqrt(fan in), bias too).
/// MobileFaceNet: Kaiming normal, fan out, ReLU gain; a depthwise convolution's fan out counts all output channels, as
/// PyTorch counts it. BatchNorm and PReLU keep their constants.
void draw_weights(Network& network, std::uint64_t seed) {
    const torch::NoGradGuard no_grad;
    const bool is_iresnet = network.architecture.family == NetworkFamily::iresnet;
    for (const auto& [name, layer] : weighted_layers(network)) {
        if (layer->kind == WeightedLayer::Kind::prelu) continue;
        const auto& weight = layer->weight;
        const double per_channel = static_cast<double>(weight.numel()) / static_cast<double>(weight.size(0) * weight.size(1));
        const RandomStream random = stream_of(seed, name + ".weight");
        if (!is_iresnet) {
            fill_normal(weight, random, std::sqrt(2.0 / (static_cast<double>(weight.size(0)) * per_channel)));
        } else if (layer->kind == WeightedLayer::Kind::convolution) {
            fill_normal(weight, random, 0.1);
        } else {
            const double bound = 1.0 / std::sqrt(static_cast<double>(weight.size(1)));
            fill_uniform(weight, random, bound);
            fill_uniform(dynamic_cast<Linear&>(*layer).bias, stream_of(seed, name + ".bias"), bound);
        }
    }
}

void collect_state(const torch::nn::Module& module, const std::string& prefix, NamedTensors& out) {
    for (const auto& item : module.named_parameters(false)) out.emplace_back(prefix + item.key(), item.value());
    for (const auto& item : module.named_buffers(false)) out.emplace_back(prefix + item.key(), item.value());
    for (const auto& item : module.named_children()) collect_state(*item.value(), prefix + item.key() + ".", out);
}

template <typename Part>
void collect_parts(torch::nn::Module& module, const std::string& prefix, std::vector<std::pair<std::string, Part*>>& out) {
    if (auto* part = dynamic_cast<Part*>(&module)) out.emplace_back(prefix, part);
    for (const auto& item : module.named_children())
        collect_parts(*item.value(), prefix.empty() ? item.key() : prefix + "." + item.key(), out);
}

std::string shape_text(const torch::Tensor& tensor) {
    std::string text = "[";
    for (const auto size : tensor.sizes()) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
    return text + "]";
}

[[noreturn]] void refuse_state(const std::string& name, const std::string& found, const std::string& expected) {
    throw_data({.attempted = "load the state of a network",
                .where = name,
                .found = found,
                .expected = expected,
                .hint = "architecture, bits and pruning must be those of the network that was saved"});
}

}  // namespace

std::shared_ptr<Network> build_network(const Architecture& architecture) {
    return architecture.family == NetworkFamily::iresnet ? build_iresnet(architecture) : build_mobilefacenet(architecture);
}

std::shared_ptr<Network> build_network(const std::string& architecture) {
    return build_network(parse_architecture(architecture));
}

torch::Tensor Network::outputs(torch::Tensor images) {
    const torch::Tensor embeddings = forward(std::move(images));
    return classifier_ ? classifier_->forward(embeddings) : embeddings;
}

void Network::add_classifier(int classes) {
    FAIRSWEEP_CHECK(!classifier_ && classes > 0, "one classifier, of some classes");
    classifier_ = register_module("classifier", std::make_shared<Linear>(embedding_size(), classes, true));
}

int Network::classes() const { return classifier_ ? static_cast<int>(classifier_->weight.size(0)) : 0; }

std::shared_ptr<Network> make_network(const std::string& architecture, std::uint64_t seed, int classes) {
    auto network = build_network(architecture);
    if (classes > 0) network->add_classifier(classes);
    draw_weights(*network, seed);
    return network;
}

void set_precision(torch::nn::Module& network, Precision precision) {
    for (const auto& [name, layer] : weighted_layers(network))
        layer->compute_type = precision == Precision::bf16 ? torch::kBFloat16 : torch::kFloat;
}

NamedTensors state_of(const torch::nn::Module& module) {
    NamedTensors state;
    collect_state(module, "", state);
    return state;
}

void load_state(torch::nn::Module& module, const NamedTensors& state) {
    const torch::NoGradGuard no_grad;
    std::map<std::string, torch::Tensor> found(state.begin(), state.end());
    // A mask is part of the state of pruned networks only; the layer gets its buffer here.
    for (const auto& [name, layer] : weighted_layers(module))
        if (found.contains(name + ".weight_pruned") && !layer->weight_pruned.defined())
            layer->set_pruned(torch::zeros_like(layer->weight, torch::kBool));
    NamedTensors own = state_of(module);
    for (const auto& [name, tensor] : own) {
        const auto it = found.find(name);
        if (it == found.end()) refuse_state(name, "no such tensor in the state", shape_text(tensor));
        if (it->second.sizes() != tensor.sizes()) refuse_state(name, shape_text(it->second), shape_text(tensor));
    }
    if (found.size() != own.size()) {
        for (const auto& [name, tensor] : own) found.erase(name);
        refuse_state(found.begin()->first, "a tensor that the network does not have", "only the network's own tensors");
    }
    for (auto& [name, tensor] : own) tensor.copy_(found.at(name));
}

std::vector<std::pair<std::string, WeightedLayer*>> weighted_layers(torch::nn::Module& module) {
    std::vector<std::pair<std::string, WeightedLayer*>> layers;
    collect_parts(module, "", layers);
    return layers;
}

std::vector<std::pair<std::string, ActivationPoint*>> activation_points(torch::nn::Module& module) {
    std::vector<std::pair<std::string, ActivationPoint*>> points;
    collect_parts(module, "", points);
    return points;
}

}  // namespace fairsweep
