#include "compress/pruning.hpp"

#include <cmath>
#include <limits>

#include "compress/quantisation.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;

namespace {

constexpr const char* kPrunedNetworks[] = {"iresnet10-w16-56", "mobilefacenet-w16-56"};

std::vector<torch::Tensor> prunable_weights(Network& network) {
    std::vector<torch::Tensor> weights;
    for (const auto& [name, layer] : weighted_layers(network))
        if (layer->kind != WeightedLayer::Kind::prelu) weights.push_back(layer->weight.detach());
    return weights;
}

torch::Tensor flat_weights(Network& network) {
    std::vector<torch::Tensor> parts;
    for (const auto& weight : prunable_weights(network)) parts.push_back(weight.flatten());
    return torch::cat(parts);
}

}  // namespace

TEST_CASE("The smallest weights of the whole network become zero, and no other parameter changes") {
    for (const char* name : kPrunedNetworks) {
        INFO(name);
        const auto network = make_network(name, 3), before = make_network(name, 3);
        prune_by_magnitude(*network, 0.7);
        const torch::Tensor weights = flat_weights(*network), original = flat_weights(*before);
        const torch::Tensor kept = weights.ne(0.0);
        const std::int64_t expected_zeros = std::llround(0.7 * static_cast<double>(weights.numel()));
        CHECK(weights.numel() - kept.sum().item<std::int64_t>() == expected_zeros);
        CHECK(torch::equal(weights.masked_select(kept), original.masked_select(kept)));
        CHECK(original.masked_select(kept).abs().min().item<float>() >=
              original.masked_select(kept.logical_not()).abs().max().item<float>());
        const auto parameters = network->named_parameters();
        for (const auto& item : before->named_parameters())
            if (item.value().dim() == 1) CHECK(torch::equal(item.value(), parameters[item.key()]));

        const Sparsity sparsity = measured_sparsity(*network);
        CHECK(sparsity.zeros == expected_zeros);
        CHECK(sparsity.prunable == weights.numel());
        CHECK(sparsity.share() == Approx(0.7).margin(1e-5));
        CHECK(sparsity.parameters > sparsity.prunable);
        CHECK(sparsity.layers.size() == prunable_weights(*network).size());
    }
}

TEST_CASE("Equal magnitudes are pruned in order, so the count is exact") {
    const auto network = make_network("mobilefacenet-w16-56", 3);
    {
        const torch::NoGradGuard no_grad;
        for (auto weight : prunable_weights(*network)) weight.fill_(0.5);
    }
    prune_by_magnitude(*network, 0.5);
    const Sparsity sparsity = measured_sparsity(*network);
    CHECK(sparsity.zeros == std::llround(0.5 * static_cast<double>(sparsity.prunable)));
    CHECK(sparsity.layers.front().zeros == sparsity.layers.front().weights);
    CHECK(sparsity.layers.back().zeros == 0);
}

TEST_CASE("Sparsity 0 does nothing at all") {
    const auto network = make_network("iresnet10-w16-56", 3), before = make_network("iresnet10-w16-56", 3);
    prune_by_magnitude(*network, 0.0);
    apply_masks(*network);
    const NamedTensors a = state_of(*network), b = state_of(*before);
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(torch::equal(a[i].second, b[i].second));
    CHECK(measured_sparsity(*network).zeros == 0);
}

TEST_CASE("Pruned weights are zero after every step and after quantisation, at every width") {
    for (const char* name : kPrunedNetworks) {
        for (const int bits : {32, 8, 4, 3, 2}) {
            INFO(name << ", " << bits << " bits");
            const auto network = make_network(name, 3);
            prune_by_magnitude(*network, 0.3);
            set_quantisers(*network, {.weight = bits, .activation = bits});
            torch::optim::SGD optimiser(network->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9).weight_decay(5e-4));
            for (int step = 0; step < 3; ++step) {
                optimiser.zero_grad();
                const torch::Tensor out = network->forward(golden::noise({4, 3, 56, 56}, 20 + static_cast<std::uint64_t>(step)));
                (out * golden::noise(out.sizes().vec(), 30)).mean().backward();
                optimiser.step();
                INFO("step " << step);
                CHECK(broken_mask_entries(*network) > 0);  // the optimiser moves them: the check can fail
                apply_masks(*network);
                CHECK(broken_mask_entries(*network) == 0);
                CHECK(measured_sparsity(*network).share() >= 0.3 - 1e-4);
            }
        }
    }
}

TEST_CASE("A growing sparsity keeps earlier zeros, and masks travel with the state") {
    const auto network = make_network("iresnet10-w16-56", 3);
    prune_by_magnitude(*network, 0.5);
    const torch::Tensor first = flat_weights(*network).eq(0.0);
    prune_by_magnitude(*network, 0.8);
    const torch::Tensor second = flat_weights(*network).eq(0.0);
    CHECK(first.logical_and(second.logical_not()).sum().item<std::int64_t>() == 0);
    CHECK(measured_sparsity(*network).share() == Approx(0.8).margin(1e-5));

    const auto copy = make_network("iresnet10-w16-56", 4);
    load_state(*copy, state_of(*network));
    {
        const torch::NoGradGuard no_grad;
        for (auto weight : prunable_weights(*copy)) weight.add_(1.0);
    }
    CHECK(broken_mask_entries(*copy) == measured_sparsity(*network).zeros);
    apply_masks(*copy);
    CHECK(broken_mask_entries(*copy) == 0);
}

TEST_CASE("Sparsities outside [0, 1) and NaN weights are refused") {
    const auto network = make_network("mobilefacenet-w16-56", 3);
    for (const double sparsity : {-0.1, 1.0, 1.5, std::numeric_limits<double>::quiet_NaN()})
        CHECK_THROWS_AS(prune_by_magnitude(*network, sparsity), Error);
    {
        const torch::NoGradGuard no_grad;
        network->named_parameters()["conv_34.conv.conv.weight"][0][0][0][0] = std::numeric_limits<float>::quiet_NaN();
    }
    CHECK_THROWS_WITH(prune_by_magnitude(*network, 0.5), ContainsSubstring("conv_34.conv.conv"));
}
