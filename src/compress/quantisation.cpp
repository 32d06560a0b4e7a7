#include "compress/quantisation.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "compress/activation_quantisers.hpp"
#include "compress/weight_bank.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {

NonFiniteError::NonFiniteError(const std::string& layer, const std::string& what)
    : Error(ErrorKind::internal, {.attempted = "quantise the " + what,
                                  .where = layer,
                                  .found = "NaN or infinity",
                                  .expected = "finite values",
                                  .hint = "training diverged: a lower learning rate or more bits may help"}) {}

namespace {

constexpr int kFloatBits = 32, kFewestBits = 2, kMostBits = 16;
constexpr const char* kWeightQuantiser = "weight_quantiser";

template <typename Quantiser>
std::vector<std::pair<std::string, Quantiser*>> quantisers(torch::nn::Module& network) {
    std::vector<std::pair<std::string, Quantiser*>> found;
    for (const auto& [name, point] : activation_points(network))
        if (auto* quantiser = dynamic_cast<Quantiser*>(point->attached().get())) found.emplace_back(name, quantiser);
    return found;
}

void check_bits(int bits, const std::string& which, bool may_be_float) {
    if ((may_be_float && bits == kFloatBits) || (bits >= kFewestBits && bits <= kMostBits)) return;
    throw_usage({.attempted = "quantise a network",
                 .where = which,
                 .found = std::to_string(bits) + " bits",
                 .expected = may_be_float ? "2 ... 16, or 32 for float" : "2 ... 16"});
}

/// What a layer's weights get; bits 32: nothing.
WeightBank::Rule rule_of(const std::string& name, const WeightedLayer& layer, Bits bits, const QuantiserSettings& settings,
                         bool is_edge) {
    const bool is_prelu = layer.kind == WeightedLayer::Kind::prelu;
    WeightBank::Rule rule;
    rule.layer = name;
    rule.bits = is_prelu ? bits.activation : bits.weight;
    rule.per_channel = !is_prelu;
    if (settings.preset == Preset::quantface || rule.bits == kFloatBits) return rule;
    rule.kind = WeightBank::Kind::minmax;
    if (is_prelu) {
        rule.bits = std::max(rule.bits, settings.slope_bits);
        return rule;
    }
    if (is_edge) rule.bits = std::max(rule.bits, settings.edge_bits);
    rule.per_channel = settings.weight_per_channel;
    rule.grid = settings.weight_grid;
    if (rule_at(settings.weight_range, rule.bits) == RangeRule::minmax) return rule;
    rule.kind = WeightBank::Kind::stored_step;
    rule.steps = std::make_shared<WeightSteps>(rule.per_channel ? layer.weight.size(0) : 1, rule.bits, settings);
    return rule;
}

/// What set_quantisers() puts on a layer; a named type, so that weight_quantiser() can ask it.
struct QuantisedWeight {
    torch::Tensor operator()(const torch::Tensor& master) const { return bank->use(slot, master); }
    std::shared_ptr<WeightBank> bank;
    std::size_t slot;
};

void install_weights(torch::nn::Module& network, Bits bits, const QuantiserSettings& settings) {
    const auto layers = weighted_layers(network);
    const WeightedLayer* first = nullptr;
    const WeightedLayer* last = nullptr;
    for (const auto& [name, layer] : layers) {
        if (first == nullptr && layer->kind == WeightedLayer::Kind::convolution) first = layer;
        if (layer->kind == WeightedLayer::Kind::linear) last = layer;
    }
    const auto bank = std::make_shared<WeightBank>();
    for (const auto& [name, layer] : layers) {
        layer->weight_transform = nullptr;
        if (layer->named_children().contains(kWeightQuantiser)) layer->unregister_module(kWeightQuantiser);
        WeightBank::Rule rule = rule_of(name, *layer, bits, settings, layer == first || layer == last);
        if (rule.bits == kFloatBits) continue;
        if (rule.steps) layer->register_module(kWeightQuantiser, rule.steps);
        const std::size_t slot = bank->add(std::move(rule), layer->weight);
        layer->weight_transform = QuantisedWeight{bank, slot};
    }
}

}  // namespace

void set_quantisers(torch::nn::Module& network, Bits bits, const QuantiserSettings& settings) {
    check_bits(bits.weight, "weight width", true);
    check_bits(bits.activation, "activation width", true);
    check_bits(settings.edge_bits, "width of the first and last layer", false);
    check_bits(settings.slope_bits, "width of slopes", false);
    install_weights(network, bits, settings);
    for (const auto& [name, point] : activation_points(network)) {
        std::shared_ptr<ActivationQuantiser> quantiser;
        if (bits.activation != kFloatBits && settings.preset == Preset::quantface)
            quantiser = std::make_shared<QuantfaceActivationQuantiser>(name, bits.activation);
        else if (bits.activation != kFloatBits)
            quantiser = std::make_shared<ModernActivationQuantiser>(name, bits.activation, settings);
        point->attach(quantiser);
    }
    const std::vector<torch::Tensor> weights = network.parameters();
    if (!weights.empty() && !weights.front().is_cpu()) network.to(weights.front().device());  // what is new is on the processor
}

void calibrate_weights(torch::nn::Module& network) {
    for (const auto& [name, layer] : weighted_layers(network)) {
        const auto children = layer->named_children();
        if (const auto* child = children.find(kWeightQuantiser))
            dynamic_cast<WeightSteps&>(**child).calibrate(layer->weight, name);
    }
}

void set_observing(torch::nn::Module& network, bool observing) {
    for (const auto& [name, quantiser] : quantisers<ActivationQuantiser>(network)) quantiser->observing = observing;
}

std::vector<ActivationRange> activation_ranges(torch::nn::Module& network) {
    std::vector<ActivationRange> ranges;
    for (const auto& [name, quantiser] : quantisers<ActivationQuantiser>(network))
        ranges.push_back({name, quantiser->low(), quantiser->high()});
    return ranges;
}

void set_activation_ranges(torch::nn::Module& network, const std::vector<ActivationRange>& ranges) {
    const auto found = quantisers<ActivationQuantiser>(network);
    FAIRSWEEP_CHECK(found.size() == ranges.size(), "one range for each activation quantiser");
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        FAIRSWEEP_CHECK(found[i].first == ranges[i].name, "ranges in the order of activation_ranges()");
        found[i].second->set_range(ranges[i].x_min, ranges[i].x_max);
    }
}

torch::Tensor widened_ranges(torch::nn::Module& network) {
    std::vector<torch::Tensor> ranges;
    for (const auto& [name, quantiser] : quantisers<QuantfaceActivationQuantiser>(network))
        ranges.push_back(torch::cat({quantiser->x_min, quantiser->x_max}));
    return ranges.empty() ? torch::Tensor() : torch::stack(ranges);
}

void set_widened_ranges(torch::nn::Module& network, const torch::Tensor& ranges) {
    const auto found = quantisers<QuantfaceActivationQuantiser>(network);
    FAIRSWEEP_CHECK(static_cast<std::int64_t>(found.size()) == ranges.size(0), "one range for each activation quantiser");
    for (std::size_t i = 0; i < found.size(); ++i) {
        const torch::Tensor range = ranges[static_cast<std::int64_t>(i)];
        found[i].second->x_min.data().copy_(range.slice(0, 0, 1));  // data: it stays known to be calibrated
        found[i].second->x_max.data().copy_(range.slice(0, 1, 2));
    }
}

torch::Tensor observed_ranges(torch::nn::Module& network) {
    std::vector<torch::Tensor> ranges;
    for (const auto& [name, quantiser] : quantisers<ModernActivationQuantiser>(network)) ranges.push_back(quantiser->observed());
    return ranges.empty() ? torch::Tensor() : torch::stack(ranges);
}

void update_ranges(torch::nn::Module& network) {
    std::vector<RangeUpdate> updates;
    for (const auto& [name, quantiser] : quantisers<ModernActivationQuantiser>(network)) updates.push_back(quantiser->update());
    if (!updates.empty()) ops_of(updates.front().min).update_ranges(updates);
}

void fold_ranges(torch::nn::Module& network, const torch::Tensor& observed) {
    const auto found = quantisers<ModernActivationQuantiser>(network);
    FAIRSWEEP_CHECK(static_cast<std::int64_t>(found.size()) == observed.size(0), "one observed range for each activation quantiser");
    for (std::size_t i = 0; i < found.size(); ++i) found[i].second->set_observed(observed[static_cast<std::int64_t>(i)]);
    update_ranges(network);
}

torch::Tensor merge_ranges(const std::vector<torch::Tensor>& shards) {
    FAIRSWEEP_CHECK(!shards.empty(), "the ranges of at least one shard");
    if (shards.size() == 1) return shards.front();
    const torch::Tensor all = torch::stack(shards);
    return torch::stack({all.select(2, 0).amin(0), all.select(2, 1).amax(0)}, 1);
}

namespace {

/// One bank for all layers of a network.
std::shared_ptr<WeightBank> weight_bank(torch::nn::Module& network) {
    for (const auto& [name, layer] : weighted_layers(network))
        if (layer->weight_transform)
            if (const QuantisedWeight* const transform = layer->weight_transform.target<QuantisedWeight>()) return transform->bank;
    return nullptr;
}

}  // namespace

torch::Tensor broken_mark(torch::nn::Module& network) {
    const torch::NoGradGuard no_gradients;
    std::vector<torch::Tensor> marks;
    const auto add = [&marks](const torch::Tensor& mark) {
        if (mark.defined() && !mark.is_cpu()) marks.push_back(mark);
    };
    for (const auto& [name, quantiser] : quantisers<ActivationQuantiser>(network)) add(quantiser->broken_mark());
    if (const auto bank = weight_bank(network)) add(bank->broken_mark());
    return marks.empty() ? torch::Tensor() : torch::cat(marks).ne(0).any().to(torch::kFloat).view({1});
}

void refuse_broken(torch::nn::Module& network) {
    for (const auto& [name, quantiser] : quantisers<ActivationQuantiser>(network)) quantiser->read_broken();
    if (const auto bank = weight_bank(network)) bank->read_broken();
}

std::optional<QuantiserDescription> weight_quantiser(const WeightedLayer& layer) {
    if (!layer.weight_transform) return std::nullopt;
    const QuantisedWeight* const transform = layer.weight_transform.target<QuantisedWeight>();
    FAIRSWEEP_CHECK(transform != nullptr, "a weight transform that set_quantisers() did not install");
    return transform->bank->describe(transform->slot, layer.weight);
}

std::optional<QuantiserDescription> activation_quantiser(const ActivationPoint& point) {
    if (!point.attached()) return std::nullopt;
    auto* const quantiser = dynamic_cast<ActivationQuantiser*>(point.attached().get());
    FAIRSWEEP_CHECK(quantiser != nullptr, "an activation transform that set_quantisers() did not attach");
    return quantiser->describe();
}

}  // namespace fairsweep
