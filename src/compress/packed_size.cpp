#include "compress/packed_size.hpp"

#include <optional>
#include <set>
#include <string>

#include "compress/quantisation.hpp"

namespace fairsweep {
namespace {

constexpr int kFloatBits = 32;
constexpr std::uint64_t kFloatBytes = 4;
constexpr std::uint64_t kRangeBytes = 2 * kFloatBytes;  // scale and zero point

std::uint64_t size_of(const torch::Tensor& tensor) { return static_cast<std::uint64_t>(tensor.numel()); }

std::string below(const std::string& module, const std::string& tensor) {
    return module.empty() ? tensor : module + "." + tensor;
}

void add_layer(const WeightedLayer& layer, PackedSize& size) {
    const std::optional<QuantiserDescription> quantiser = weight_quantiser(layer);
    const int bits = quantiser ? quantiser->bits : kFloatBits;
    if (quantiser) size.range_bytes += kRangeBytes * quantiser->ranges.size();
    const std::uint64_t all = size_of(layer.weight);
    if (layer.kind == WeightedLayer::Kind::prelu) {
        size.slope_bytes += packed_bytes(all, bits);
        return;
    }
    size.weight_bytes += packed_bytes(all, bits);
    if (!layer.weight_pruned.defined()) {
        size.kept_weight_bytes += packed_bytes(all, bits);
        return;
    }
    size.mask_bytes += packed_bytes(all, 1);
    size.kept_weight_bytes +=
        packed_bytes(all - static_cast<std::uint64_t>(layer.weight_pruned.sum().item<std::int64_t>()), bits);
}

}  // namespace

PackedSize packed_size(torch::nn::Module& network) {
    const torch::NoGradGuard no_grad;
    PackedSize size;
    std::set<std::string> counted;  // names of tensors that are not plain float32 state
    for (const auto& [name, layer] : weighted_layers(network)) {
        add_layer(*layer, size);
        counted.insert({below(name, "weight"), below(name, "weight_pruned")});
    }
    for (const auto& [name, point] : activation_points(network)) {
        if (const auto quantiser = activation_quantiser(*point)) size.range_bytes += kRangeBytes * quantiser->ranges.size();
        if (point->attached())
            for (const auto& [buffer, tensor] : state_of(*point)) counted.insert(below(name, buffer));
    }
    for (const auto& [name, tensor] : state_of(network))
        if (!counted.contains(name) && tensor.is_floating_point()) size.float_bytes += kFloatBytes * size_of(tensor);
    return size;
}

}  // namespace fairsweep
