// Rules of pruning: scopes and patterns, against torch.nn.utils.prune where it has them.
#include <algorithm>
#include <string>
#include <vector>

#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "fairsweep/error.hpp"
#include "support/catch.hpp"
#include "support/python_oracle.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;
using Pattern = PruningRule::Pattern;

namespace {

constexpr const char* kRuledNetworks[] = {"iresnet10-w16-56", "iresnet10-w16-56-se", "mobilefacenet-w16-56"};

std::vector<WeightedLayer*> prunable(Network& network) {
    std::vector<WeightedLayer*> layers;
    for (const auto& [name, layer] : weighted_layers(network))
        if (layer->kind != WeightedLayer::Kind::prelu) layers.push_back(layer);
    return layers;
}

}  // namespace

TEST_CASE("Unstructured masks are those of torch.nn.utils.prune") {
    for (const char* name : {"iresnet10-w16-56", "mobilefacenet-w16-56"}) {
        for (const bool per_layer : {false, true}) {
            INFO(name << ", per layer " << per_layer);
            const auto network = make_network(name, 11);
            oracle::Json question{
                {"sparsity", 0.65}, {"scope", per_layer ? "layer" : "global"}, {"weights", oracle::Json::array()}};
            for (const WeightedLayer* layer : prunable(*network))
                question["weights"].push_back(oracle::json_of(layer->weight.flatten()));
            const oracle::Json masks = oracle::ask("compress/pruning_oracle.py", question);
            prune_by_magnitude(*network, 0.65, {.per_layer = per_layer});
            std::size_t i = 0;
            for (const WeightedLayer* layer : prunable(*network)) {
                INFO("layer " << i);
                CHECK(oracle::difference(masks.at(i++), layer->weight_pruned.logical_not()) == 0.0);
            }
        }
    }
}

TEST_CASE("2:4 leaves the two largest of every four inputs, and layers that have no fours dense") {
    for (const char* name : kRuledNetworks) {
        INFO(name);
        const auto network = make_network(name, 3), before = make_network(name, 3);
        prune_by_magnitude(*network, 0.5, {.pattern = Pattern::two_of_four});
        const auto original = weighted_layers(*before);
        std::size_t i = 0, pruned_layers = 0;
        for (const auto& [layer_name, layer] : weighted_layers(*network)) {
            const torch::Tensor& weight = original[i++].second->weight;
            if (layer->kind == WeightedLayer::Kind::prelu) continue;
            INFO(layer_name);
            if (weight.size(1) % 4 != 0) {
                CHECK_FALSE(layer->weight_pruned.defined());
                CHECK(torch::equal(layer->weight, weight));
                continue;
            }
            ++pruned_layers;
            // [out, fours, 4, pixels]
            const torch::Tensor now = layer->weight.reshape({weight.size(0), weight.size(1) / 4, 4, -1});
            const torch::Tensor was = weight.reshape(now.sizes());
            CHECK(now.ne(0.0).sum(2).eq(2).all().item<bool>());
            const torch::Tensor kept = now.ne(0.0);
            const torch::Tensor smallest_kept = was.abs().masked_fill(kept.logical_not(), 1e9).amin({2});
            const torch::Tensor largest_gone = was.abs().masked_fill(kept, -1.0).amax({2});
            CHECK(smallest_kept.ge(largest_gone).all().item<bool>());
            CHECK(torch::equal(now.masked_select(kept), was.masked_select(kept)));
        }
        CHECK(pruned_layers >= 9);
        CHECK(broken_mask_entries(*network) == 0);
    }
}

TEST_CASE("2:4 takes no other sparsity, and unknown words are refused") {
    const auto network = make_network("mobilefacenet-w16-56", 3);
    CHECK_THROWS_WITH(prune_by_magnitude(*network, 0.7, {.pattern = Pattern::two_of_four}), ContainsSubstring("0.5"));
    CHECK_THROWS_AS(pruning_rule("4:8", "global"), Error);
    CHECK_THROWS_AS(pruning_rule("2:4", "network"), Error);
    CHECK(pruning_rule("2:4", "layer").pattern == Pattern::two_of_four);
    CHECK(pruning_rule("channels", "layer").per_layer);
    CHECK(pruning_rule("unstructured", "global").pattern == Pattern::unstructured);
}

TEST_CASE("Growing sparsity keeps every zero, whatever the rule") {
    for (const char* name : kRuledNetworks) {
        for (const PruningRule& rule : {PruningRule{}, PruningRule{.per_layer = true}, PruningRule{.pattern = Pattern::channels},
                                        PruningRule{.pattern = Pattern::channels, .per_layer = true}}) {
            INFO(name << ", pattern " << static_cast<int>(rule.pattern) << ", per layer " << rule.per_layer);
            const auto network = make_network(name, 3);
            std::vector<torch::Tensor> last;
            for (const double sparsity : {0.1, 0.3, 0.55}) {
                prune_by_magnitude(*network, sparsity, rule);
                std::vector<torch::Tensor> masks;
                for (const WeightedLayer* layer : prunable(*network))
                    masks.push_back(layer->weight_pruned.defined() ? layer->weight_pruned.clone()
                                                                   : torch::zeros(layer->weight.sizes(), torch::kBool));
                for (std::size_t i = 0; i < last.size(); ++i) {
                    CHECK(masks[i].logical_or(last[i].logical_not()).all().item<bool>());  // what was masked still is
                }
                last = masks;
                CHECK(broken_mask_entries(*network) == 0);
            }
        }
    }
}

TEST_CASE("Masked weights are zero at every width after quantisation") {
    for (const char* name : kRuledNetworks) {
        for (const Pattern pattern : {Pattern::unstructured, Pattern::two_of_four, Pattern::channels}) {
            for (const int bits : {2, 4, 8}) {
                const auto network = make_network(name, 3);
                prune_by_magnitude(*network, 0.5, {.pattern = pattern, .per_layer = true});
                set_quantisers(*network, {bits, bits});
                INFO(name << ", " << bits << " bits");
                CHECK(broken_mask_entries(*network) == 0);
            }
        }
    }
}
