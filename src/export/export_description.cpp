#include "export/export_description.hpp"

#include <cstring>
#include <set>
#include <span>

#include "compress/quantisation.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

template <typename Value>
std::vector<Value> values_of(const torch::Tensor& tensor) {
    const torch::Tensor whole = tensor.detach().contiguous();
    const Value* begin = whole.const_data_ptr<Value>();
    return {begin, begin + whole.numel()};
}

ExportedWeight::Kind kind_of(WeightedLayer::Kind kind) {
    switch (kind) {
        case WeightedLayer::Kind::convolution:
            return ExportedWeight::Kind::convolution;
        case WeightedLayer::Kind::linear:
            return ExportedWeight::Kind::linear;
        case WeightedLayer::Kind::prelu:
            break;
    }
    return ExportedWeight::Kind::prelu;
}

/// The codes of the master weights, checked against what the layer computes: an export that describes another quantiser
/// than the one that was trained with must not leave this function.
void add_codes(const WeightedLayer& layer, ExportedWeight& weight) {
    const std::vector<float> master = values_of<float>(layer.weight);
    weight.codes.reserve(master.size());
    for (std::size_t i = 0; i < master.size(); ++i) {
        const auto [code, value] = weight.quantiser->coded(master[i], weight.range_of(i));
        if (std::memcmp(&value, &weight.values[i], sizeof(value)) != 0)
            throw Error(ErrorKind::internal, {.attempted = "describe a quantised weight by its codes",
                                              .where = weight.tensor() + ", value " + std::to_string(i),
                                              .found = std::to_string(value),
                                              .expected = std::to_string(weight.values[i])});
        weight.codes.push_back(static_cast<std::int32_t>(code));
    }
}

ExportedWeight describe_layer(const std::string& name, WeightedLayer& layer) {
    ExportedWeight weight;
    weight.layer = name;
    weight.kind = kind_of(layer.kind);
    weight.shape = layer.weight.sizes().vec();
    weight.values = values_of<float>(layer.used_weight());
    weight.quantiser = weight_quantiser(layer);
    if (weight.quantiser) add_codes(layer, weight);
    if (layer.weight_pruned.defined()) weight.pruned = values_of<std::uint8_t>(layer.weight_pruned.to(torch::kByte));
    if (const auto* convolution = dynamic_cast<const Convolution*>(&layer)) {
        weight.stride = convolution->shape.stride;
        weight.padding = convolution->shape.padding;
        weight.groups = convolution->shape.groups;
    }
    return weight;
}

}  // namespace

ExportedNetwork export_description(Network& network) {
    const torch::NoGradGuard no_grad;
    ExportedNetwork described;
    described.architecture = network.architecture;
    std::set<std::string> taken;
    for (const auto& [name, layer] : weighted_layers(network)) {
        described.weights.push_back(describe_layer(name, *layer));
        taken.insert({name + ".weight", name + ".weight_pruned"});
        for (const auto& child : layer->named_children())  // the steps that preset "modern" keeps are in the description
            if (child.key() == "weight_quantiser")
                for (const auto& [part, tensor] : state_of(*child.value())) taken.insert(name + ".weight_quantiser." + part);
    }
    for (const auto& [name, point] : activation_points(network)) {
        if (const auto quantiser = activation_quantiser(*point)) described.activations.push_back({name, *quantiser});
        if (point->attached())
            for (const auto& [buffer, tensor] : state_of(*point)) taken.insert(name + "." + buffer);
    }
    for (const auto& [name, tensor] : state_of(network))
        if (!taken.contains(name) && tensor.is_floating_point()) described.constants.push_back({name, values_of<float>(tensor)});
    return described;
}

}  // namespace fairsweep
