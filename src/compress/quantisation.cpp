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

std::vector<ActivationRange> observed_ranges(torch::nn::Module& network) {
    std::vector<ActivationRange> ranges;
    for (const auto& [name, quantiser] : quantisers<ModernActivationQuantiser>(network)) {
        const ValueRange observed = quantiser->observed();
        ranges.push_back({name, observed.min, observed.max});
    }
    return ranges;
}

void update_ranges(torch::nn::Module& network) {
    std::vector<RangeUpdate> updates;
    for (const auto& [name, quantiser] : quantisers<ModernActivationQuantiser>(network)) updates.push_back(quantiser->update());
    if (!updates.empty()) ops_of(updates.front().min).update_ranges(updates);
}

void fold_ranges(torch::nn::Module& network, const std::vector<ActivationRange>& observed) {
    const auto found = quantisers<ModernActivationQuantiser>(network);
    FAIRSWEEP_CHECK(found.size() == observed.size(), "one observed range for each activation quantiser");
    for (std::size_t i = 0; i < observed.size(); ++i) {
        FAIRSWEEP_CHECK(found[i].first == observed[i].name, "ranges in the order of observed_ranges()");
        found[i].second->set_observed(observed[i].x_min, observed[i].x_max);
    }
    update_ranges(network);
}

std::vector<ActivationRange> merge_ranges(std::span<const std::vector<ActivationRange>> shards) {
    FAIRSWEEP_CHECK(!shards.empty(), "the ranges of at least one shard");
    std::vector<ActivationRange> merged = shards.front();
    for (const std::vector<ActivationRange>& shard : shards.subspan(1)) {
        FAIRSWEEP_CHECK(shard.size() == merged.size(), "the same quantisers in every shard");
        for (std::size_t i = 0; i < merged.size(); ++i) {
            FAIRSWEEP_CHECK(shard[i].name == merged[i].name, "the same quantisers in every shard");
            merged[i].x_min = std::min(merged[i].x_min, shard[i].x_min);
            merged[i].x_max = std::max(merged[i].x_max, shard[i].x_max);
        }
    }
    return merged;
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
