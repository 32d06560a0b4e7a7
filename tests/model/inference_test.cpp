#include "model/inference.hpp"

#include <array>
#include <memory>
#include <string>

#include "compress/channel_pruning.hpp"
#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "fairsweep/error.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;

namespace {

constexpr std::array kNetworks{"iresnet10-w16-56", "iresnet10-w16-56-se", "mobilefacenet-w16-56"};

/// BatchNorm's statistics are not those of a new network here.
std::shared_ptr<Network> filled(const std::string& name) {
    auto network = golden::filled_network(name);
    network->eval();
    return network;
}

torch::Tensor images() {
    torch::manual_seed(7);
    return (torch::rand({6, 3, 56, 56}) * 2 - 1).contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace

TEST_CASE("A network ready for inference embeds as before, up to rounding") {
    const torch::NoGradGuard no_gradients;
    for (const char* name : kNetworks) {
        INFO(name);
        const auto network = filled(name);
        const torch::Tensor before = network->forward(images()).clone();
        prepare_for_inference(*network, Precision::fp32);
        const torch::Tensor after = network->forward(images());
        // BatchNorm's scale is multiplied into the weights: one rounding of each weight (2^-24), some ten layers deep.
        CHECK(golden::l2(after - before) <= 5e-6 * golden::l2(before));
        CHECK_FALSE(torch::equal(after, before));  // it was absorbed
        CHECK(torch::equal(after, network->forward(images())));
        prepare_for_inference(*network, Precision::fp32);  // once more changes nothing
        CHECK(torch::equal(after, network->forward(images())));
    }
}

TEST_CASE("Channels that were cut out, fewer than 16 with stride 2 among them, and a second preparation") {
    const torch::NoGradGuard no_gradients;
    const auto whole = filled("iresnet10-w16-56");
    prune_by_magnitude(*whole, 0.5, {.pattern = PruningRule::Pattern::channels, .per_layer = true});
    const auto network = shrink_channels(*whole);
    network->eval();
    const torch::Tensor before = network->forward(images()).clone();
    prepare_for_inference(*network, Precision::bf16);
    prepare_for_inference(*network, Precision::fp32);
    CHECK(golden::l2(network->forward(images()) - before) <= 5e-6 * golden::l2(before));
    network->train();
    CHECK_THROWS(network->forward(images()));
}

TEST_CASE("Embedding in bfloat16 stays close and gives float32 rows") {
    const torch::NoGradGuard no_gradients;
    for (const char* name : kNetworks) {
        INFO(name);
        const auto network = filled(name);
        const torch::Tensor exact = network->forward(images()).clone();
        prepare_for_inference(*network, Precision::bf16);
        const torch::Tensor rough = network->forward(images());
        CHECK(rough.scalar_type() == torch::kFloat);
        // 8 significant bits: 2^-9 = 0.2 % for each rounding, several in each of a dozen layers.
        CHECK(torch::cosine_similarity(exact, rough).min().item<double>() > 0.999);
        CHECK_FALSE(torch::equal(exact, rough));
    }
}

TEST_CASE("A quantised network keeps its values to the bit when it is made ready, and is refused in bfloat16") {
    const torch::NoGradGuard no_gradients;
    for (const char* name : kNetworks) {
        INFO(name);
        const auto network = filled(name);
        set_quantisers(*network, Bits{4, 4});
        (void)network->forward(images());  // ranges
        set_observing(*network, false);
        const torch::Tensor before = network->forward(images()).clone();
        CHECK_THROWS_AS(prepare_for_inference(*network, Precision::bf16), Error);
        CHECK(torch::equal(before, network->forward(images())));  // refused means untouched
        prepare_for_inference(*network, Precision::fp32);
        CHECK(torch::equal(before, network->forward(images())));
    }
}

TEST_CASE("Without gradients PReLU and sums write over what only they read") {
    const auto network = filled("iresnet10-w16-56");
    const torch::Tensor input = images(), copy = input.clone();
    const torch::Tensor recorded = network->forward(input).detach();
    const torch::NoGradGuard no_grad;
    CHECK(torch::equal(recorded, network->forward(input)));
    CHECK(torch::equal(input, copy));
}
