// Structured pruning: the table of coupled channels covers both families, and the smaller network computes the same.
#include "compress/channel_pruning.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "compress/channel_groups.hpp"
#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "fairsweep/error.hpp"
#include "model/network_cost.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;

namespace {

constexpr const char* kNetworks[] = {"iresnet10-w16-56", "iresnet18-w16-56-se", "mobilefacenet-w16-56", "mobilefacenet-w24-64"};

PruningRule channels(bool per_layer) { return {.pattern = PruningRule::Pattern::channels, .per_layer = per_layer}; }

/// Moves BatchNorm's statistics and gains away from where they start, so that a wrong channel shows.
void roughen(Network& network) {
    const torch::NoGradGuard no_gradients;
    std::uint64_t k = 50;
    for (auto& [name, tensor] : state_of(network))
        if (tensor.is_floating_point() && tensor.dim() == 1 && name != "features.weight")
            tensor.add_(golden::noise({tensor.size(0)}, k++, 0.2, 0.05));
}

}  // namespace

TEST_CASE("Every channel of every layer stands in the table once, but for images and embeddings") {
    for (const char* name : {"iresnet18", "iresnet50-se", "mobilefacenet", "iresnet10-w16-56", "mobilefacenet-w16-56"}) {
        INFO(name);
        const auto network = build_network(name);
        std::map<std::string, torch::Tensor> state;
        for (const auto& [tensor_name, tensor] : state_of(*network)) state[tensor_name] = tensor;
        std::set<std::pair<std::string, int>> sides;
        std::set<std::string> vectors;
        for (const ChannelGroup& group : channel_groups(*network)) {
            INFO(group.name);
            for (const ChannelSlice& slice : group.slices) {
                INFO(slice.layer << " " << slice.dimension);
                CHECK(sides.insert({slice.layer, slice.dimension}).second);
                CHECK(state.at(slice.layer + ".weight").size(slice.dimension) == group.channels * slice.values);
            }
            for (const std::string& vector : group.vectors) {
                INFO(vector);
                CHECK(vectors.insert(vector).second);
                CHECK(state.at(vector).sizes().vec() == std::vector<std::int64_t>{group.channels});
            }
        }
        for (const auto& [layer_name, layer] : weighted_layers(*network)) {
            if (layer->kind == WeightedLayer::Kind::prelu) continue;
            INFO(layer_name);
            const bool first = layer->weight.size(1) == 3, depthwise = layer->weight.size(1) == 1 && layer->weight.dim() == 4;
            const bool embeds = layer->kind == WeightedLayer::Kind::linear;
            const bool inside_se_gives = layer_name.ends_with("se_block.fc1"),
                       inside_se_takes = layer_name.ends_with("se_block.fc2");
            CHECK(sides.count({layer_name, 0}) == (embeds || inside_se_gives ? 0U : 1U));
            CHECK(sides.count({layer_name, 1}) == (first || depthwise || inside_se_takes ? 0U : 1U));
        }
        for (const auto& [tensor_name, tensor] : state) {
            if (tensor.dim() != 1) continue;
            INFO(tensor_name);
            const bool of_embedding = tensor_name.starts_with("features.") || tensor_name.starts_with("fc.") ||
                                      tensor_name.starts_with("output_layer.bn.");
            CHECK(vectors.count(tensor_name) == (of_embedding ? 0U : 1U));
        }
    }
}

TEST_CASE("The smaller network computes the masked one's embeddings with fewer parameters and multiply-accumulates") {
    for (const char* name : kNetworks) {
        for (const bool per_layer : {true, false}) {
            INFO(name << ", per layer " << per_layer);
            const auto network = make_network(name, 5);
            roughen(*network);
            prune_by_magnitude(*network, 0.4, channels(per_layer));
            const NetworkCost full = network_cost(*network);
            const auto smaller = shrink_channels(*network);
            const NetworkCost cut = network_cost(*smaller);
            CHECK(static_cast<double>(cut.parameters) < 0.6 * static_cast<double>(full.parameters));
            CHECK(static_cast<double>(cut.macs) < 0.7 * static_cast<double>(full.macs));
            CHECK(cut.convolutions == full.convolutions);

            const torch::NoGradGuard no_gradients;
            const int side = network->input_size();
            const torch::Tensor images = golden::noise({4, 3, side, side}, 9);
            network->eval();
            smaller->eval();
            const torch::Tensor a = network->forward(images), b = smaller->forward(images);
            CHECK((a - b).abs().max().item<double>() <= 1e-5 * std::max(1.0, a.abs().max().item<double>()));
            // In train mode too: BatchNorm statistics are per channel.
            network->train();
            smaller->train();
            const torch::Tensor c = network->forward(images), d = smaller->forward(images);
            CHECK(golden::l2(c - d) <= 1e-4 * golden::l2(c));
        }
    }
}

TEST_CASE("The same share of every group's channels is gone per layer; over the network the total is") {
    const auto network = make_network("iresnet10-w16-56", 5);
    prune_by_magnitude(*network, 0.25, channels(true));
    const auto smaller = shrink_channels(*network);
    for (const auto& [name, layer] : weighted_layers(*smaller)) {
        if (layer->kind != WeightedLayer::Kind::convolution) continue;
        const auto full = build_network("iresnet10-w16-56")->named_parameters()[name + ".weight"].size(0);
        CHECK(layer->weight.size(0) == full - full / 4);
    }
    const auto ranked = make_network("iresnet10-w16-56", 5);
    prune_by_magnitude(*ranked, 0.25, channels(false));
    std::int64_t before = 0, after = 0;
    for (const ChannelGroup& group : channel_groups(*ranked)) before += group.channels;
    const auto cut = shrink_channels(*ranked);
    for (const ChannelGroup& group : channel_groups(*cut)) after += group.channels;
    CHECK(before - after == std::llrint(0.25 * static_cast<double>(before)));
}

TEST_CASE("The weakest channel goes first") {
    const auto network = make_network("iresnet10-w16-56", 5);
    {
        const torch::NoGradGuard no_gradients;
        auto parameters = network->named_parameters();
        parameters["layer2.0.conv1.weight"][7].mul_(0.01);
        parameters["layer2.0.conv2.weight"].select(1, 7).mul_(0.01);
    }
    prune_by_magnitude(*network, 0.002, channels(false));  // one of 368
    for (const auto& [name, layer] : weighted_layers(*network)) {
        if (layer->kind == WeightedLayer::Kind::prelu) continue;
        INFO(name);
        torch::Tensor expected = torch::zeros(layer->weight.sizes(), torch::kBool);
        if (name == "layer2.0.conv1") expected[7].fill_(true);
        if (name == "layer2.0.conv2") expected.select(1, 7).fill_(true);
        CHECK(torch::equal(layer->weight_pruned, expected));
    }
}

TEST_CASE("No group loses its last channel") {
    const auto network = make_network("mobilefacenet-w16-56", 5);
    prune_by_magnitude(*network, 0.99, channels(true));
    const auto smaller = shrink_channels(*network);
    for (const ChannelGroup& group : channel_groups(*smaller)) CHECK(group.channels >= 1);
    smaller->train();
    const torch::Tensor out = smaller->forward(golden::noise({4, 3, 56, 56}, 9));
    out.sum().backward();
    CHECK(out.isfinite().all().item<bool>());
}

TEST_CASE("A narrow network trains in channels-last memory") {
    // 4 channels on a map of 56 x 56 at the first projection: LibTorch's own kernel crashes there.
    const auto network = make_network("iresnet10-w16", 5);
    prune_by_magnitude(*network, 0.75, channels(true));
    const auto smaller = shrink_channels(*network);
    smaller->train();
    for (auto& parameter : smaller->parameters())
        if (parameter.dim() == 4) parameter.set_data(parameter.data().contiguous(torch::MemoryFormat::ChannelsLast));
    const torch::Tensor images = golden::noise({4, 3, 112, 112}, 9).contiguous(torch::MemoryFormat::ChannelsLast);
    smaller->forward(images).square().sum().backward();
    for (const auto& parameter : smaller->parameters())
        if (parameter.requires_grad()) CHECK(parameter.grad().isfinite().all().item<bool>());
}

TEST_CASE("A network without masks comes back whole, a quantised one is refused") {
    const auto network = make_network("iresnet10-w16-56", 5);
    const auto same = shrink_channels(*network);
    CHECK(network_cost(*same).parameters == network_cost(*network).parameters);
    prune_by_magnitude(*network, 0.5);  // single weights: no channel is gone
    CHECK(network_cost(*shrink_channels(*network)).parameters == network_cost(*network).parameters);
    set_quantisers(*network, {8, 8});
    CHECK_THROWS_AS(shrink_channels(*network), Error);
}
