// Preset "modern" on networks: places and bits, training, shards, state, BatchNorm.
#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "compress/batch_norm.hpp"
#include "compress/distillation.hpp"
#include "device/fake_quant_kernel.hpp"
#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "modern_fixture.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;
using namespace fairsweep::test;

TEST_CASE("Quantisers of modern sit at the same places, edges and slopes keep their bits, 32 installs nothing") {
    for (const char* name : kSmallNetworks) {
        INFO(name);
        const auto network = small_network(name, {.weight = 2, .activation = 2}, modern(RangeRule::minmax));
        const auto layers = weighted_layers(*network);
        const torch::NoGradGuard no_grad;
        for (const auto& [layer_name, layer] : layers) {
            INFO(layer_name);
            const bool is_edge = layer_name == layers.front().first || layer->kind == WeightedLayer::Kind::linear;
            const torch::Tensor used = layer->used_weight();
            const torch::Tensor row = layer->kind == WeightedLayer::Kind::prelu ? used.flatten() : used[0].flatten();
            const auto levels = std::get<0>(torch::_unique(row)).numel();
            if (layer->kind == WeightedLayer::Kind::prelu) continue;
            if (is_edge && row.numel() > 20) CHECK(levels > 4);
            if (!is_edge) CHECK(levels <= 4);
        }
        const std::size_t points = activation_points(*network).size();
        CHECK(activation_ranges(*network).size() == points);
        set_quantisers(*network, {}, modern());
        CHECK(activation_ranges(*network).empty());
        for (const auto& [layer_name, layer] : weighted_layers(*network)) CHECK_FALSE(static_cast<bool>(layer->weight_transform));
        CHECK(state_of(*network).size() == state_of(*build_network(name)).size());
    }
}

TEST_CASE("Every combination trains, and pruned weights stay zero after every step") {
    const char* name = "mobilefacenet-w16-56";
    for (const RangeRule weights : kWeightRules) {
        for (const RangeRule activations : kActivationRules) {
            QuantiserSettings settings = modern(weights, activations);
            settings.weight_per_channel = activations != RangeRule::mse;
            settings.weight_grid = activations == RangeRule::minmax ? GridKind::asymmetric : GridKind::symmetric;
            settings.activation_grid = weights == RangeRule::mse ? GridKind::symmetric : GridKind::asymmetric;
            INFO(text_of(settings));
            const auto network = make_network(name, 3);
            prune_half_of_every_layer(*network);
            set_quantisers(*network, {.weight = 4, .activation = 8}, settings);
            calibrate_weights(*network);
            const auto losses = train(*network, 3, [&] { CHECK(broken_mask_entries(*network) == 0); });
            for (const double loss : losses) CHECK(std::isfinite(loss));
            CHECK(losses[2] < losses[0]);
        }
    }
}

TEST_CASE("16 bits stay close to float under modern, and every width works") {
    for (const char* name : kSmallNetworks) {
        INFO(name);
        const torch::NoGradGuard no_grad;
        const auto plain = make_network(name, 3);
        plain->eval();
        const torch::Tensor expected = plain->forward(images());
        double last_error = 0.0;
        for (const int bits : {16, 8, 4, 2}) {
            const auto network = small_network(name, {.weight = bits, .activation = bits}, modern());
            network->eval();
            network->forward(images());
            update_ranges(*network);
            const torch::Tensor found = network->forward(images());
            const double error = golden::l2(found - expected) / golden::l2(expected);
            CHECK(error > last_error);
            last_error = error;
            if (bits == 16) CHECK(error < 1e-3);
        }
    }
}

TEST_CASE("1, 2 and 4 shards of the batches end with equal ranges, under both presets") {
    for (const bool is_modern : {true, false}) {
        std::vector<std::vector<ActivationRange>> results;
        for (const int shards : {1, 2, 4}) {
            const torch::NoGradGuard no_grad;
            QuantiserSettings settings = modern(RangeRule::mse, RangeRule::moving_average);
            if (!is_modern) settings = {};
            const auto network = small_network("mobilefacenet-w16-56", {.weight = 8, .activation = 8}, settings);
            network->eval();
            // The reference quantises a batch with the range it has just widened, so that later layers see the shard: equal
            // ranges need a first layer only. "modern" holds the ranges still during a step.
            const std::size_t compared = is_modern ? activation_points(*network).size() : 1;
            for (int step = 0; step < 3; ++step) {
                const torch::Tensor batch =
                    golden::noise({8, 3, 56, 56}, 40 + static_cast<std::uint64_t>(step), 1.0 + 0.3 * step);
                const torch::Tensor start = is_modern ? torch::Tensor() : widened_ranges(*network);
                std::vector<torch::Tensor> seen;
                for (const torch::Tensor& shard : batch.chunk(shards)) {
                    if (!is_modern) set_widened_ranges(*network, start);
                    network->forward(shard);
                    seen.push_back(is_modern ? observed_ranges(*network) : widened_ranges(*network));
                }
                std::reverse(seen.begin(), seen.end());  // in whatever order they come
                if (is_modern)
                    fold_ranges(*network, merge_ranges(seen));
                else
                    set_widened_ranges(*network, merge_ranges(seen));
            }
            auto ranges = activation_ranges(*network);
            ranges.resize(compared);
            results.push_back(ranges);
        }
        // Equal to the bit: minima and maxima know no order, and convolutions compute each image alone in eval mode.
        for (const auto& other : results) {
            REQUIRE(other.size() == results[0].size());
            for (std::size_t i = 0; i < other.size(); ++i) {
                INFO(other[i].name);
                CHECK(other[i].x_min == results[0][i].x_min);
                CHECK(other[i].x_max == results[0][i].x_max);
            }
        }
    }
}

TEST_CASE("State carries all of modern: the loaded network computes the same and trains on the same") {
    for (const RangeRule rule : kActivationRules) {
        QuantiserSettings settings = modern(RangeRule::learned, rule);
        settings.weight_grid = GridKind::asymmetric;
        const auto source = small_network("iresnet10-w16-56", {.weight = 4, .activation = 4}, settings);
        train(*source, 2);
        const auto target = make_network("iresnet10-w16-56", 9);
        set_quantisers(*target, {.weight = 4, .activation = 4}, settings);
        load_state(*target, state_of(*source));
        for (Network* network : {source.get(), target.get()}) {
            set_observing(*network, false);
            network->eval();
        }
        const torch::NoGradGuard no_grad;
        CHECK(torch::equal(source->forward(images()), target->forward(images())));
    }
}

TEST_CASE("Folding BatchNorm changes nothing in eval mode but the last bits, and leaves shifts that train") {
    for (const char* name : kSmallNetworks) {
        INFO(name);
        const auto network = make_network(name, 3);
        golden::fill(*network);
        network->eval();
        torch::Tensor before;
        {
            const torch::NoGradGuard no_grad;
            before = network->forward(images());
        }
        const std::size_t tensors = state_of(*network).size();
        network->train();
        fold_batch_norm(*network);
        CHECK(state_of(*network).size() == tensors);
        std::size_t folded = 0, convolutions = 0;
        for (const auto& [layer_name, layer] : weighted_layers(*network))
            convolutions += layer->kind == WeightedLayer::Kind::convolution;
        for (const auto& module : network->modules(false)) {
            const auto* norm = module->as<torch::nn::BatchNorm2d>();
            if (norm == nullptr) continue;
            CHECK_FALSE(norm->is_training());
            if (!norm->weight.requires_grad()) {
                ++folded;
                CHECK(norm->weight.eq(1.0).all().item<bool>());
                CHECK(norm->bias.requires_grad());
            }
        }
        CHECK(folded == convolutions);                           // every convolution of both families has its BatchNorm behind it
        const torch::Tensor after = network->forward(images());  // in train mode: all statistics are fixed
        CHECK(golden::l2(after.detach() - before) <= 1e-5 * golden::l2(before));
    }
}

TEST_CASE("Frozen BatchNorm keeps its statistics and trains its weights") {
    const auto network = small_network("iresnet10-w16-56", {.weight = 8, .activation = 8}, modern());
    train(*network, 1);
    freeze_batch_norm(*network);
    const auto buffers = network->named_buffers();
    const torch::Tensor mean = buffers["layer1.0.bn2.running_mean"].clone();
    const torch::Tensor weight = network->named_parameters()["layer1.0.bn2.weight"].detach().clone();
    train(*network, 2);
    CHECK(torch::equal(mean, buffers["layer1.0.bn2.running_mean"]));
    CHECK_FALSE(torch::equal(weight, network->named_parameters()["layer1.0.bn2.weight"].detach()));
}

TEST_CASE("Weights changed between passes are seen, whichever layers were asked before") {
    const auto network = small_network("iresnet10-w16-56", {.weight = 8, .activation = 32}, modern(RangeRule::minmax));
    const torch::NoGradGuard no_grad;
    const auto layers = weighted_layers(*network);
    WeightedLayer& first = *layers[0].second;
    WeightedLayer& second = *layers[2].second;
    (void)first.used_weight();  // computes all
    second.weight.mul_(2.0);
    CHECK((second.used_weight() - second.weight).abs().max().item<double>() < 0.01);
    (void)first.used_weight();
    second.weight.set_data(second.weight.data().clone().mul_(3.0));
    CHECK((second.used_weight() - second.weight).abs().max().item<double>() < 0.02);
    second.weight.data_ptr<float>()[0] = 5.0F;  // by way of a plain pointer, after a complete pass
    CHECK(second.used_weight().flatten()[0].item<float>() == Approx(5.0).epsilon(0.02));
}
