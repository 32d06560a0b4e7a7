// Preset "modern" on single layers: rules of ranges, gradients, refusals.
#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "compress/distillation.hpp"
#include "device/fake_quant_kernel.hpp"
#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "modern_fixture.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;
using namespace fairsweep::test;

TEST_CASE("Settings come from a recipe, and their text gives them back") {
    Recipe recipe;
    CHECK((settings_of(recipe) == QuantiserSettings{}));
    CHECK((parse_settings("quantface") == QuantiserSettings{}));
    recipe.preset = "modern";
    recipe.weight_grid = "asymmetric";
    recipe.weight_granularity = "tensor";
    recipe.activation_range = "mse";
    recipe.range_averaging = 0.05;
    recipe.edge_bits = 6;
    const QuantiserSettings settings = settings_of(recipe);
    CHECK((parse_settings(text_of(settings)) == settings));
    CHECK((settings.weight_grid == GridKind::asymmetric && !settings.weight_per_channel && settings.edge_bits == 6));
    for (const std::string& bad : {std::string(), std::string("modern"), text_of(settings) + " ", "x" + text_of(settings),
                                   text_of(settings) + " more=1", std::string(10000, '=')})
        CHECK_THROWS_AS(parse_settings(bad), Error);
    std::string text = text_of(settings);
    for (std::size_t i = 0; i < text.size(); ++i) {  // any changed byte is refused or is other settings, never the same
        std::string mutated = text;
        mutated[i] = static_cast<char>(mutated[i] ^ 0x15);
        bool is_same = false;
        try {
            is_same = parse_settings(mutated) == settings;
        } catch (const Error&) {
        }
        CHECK_FALSE(is_same);
    }
    recipe.weight_range = "guess";
    CHECK_THROWS_WITH(settings_of(recipe), ContainsSubstring("weight_range"));
}

TEST_CASE("Values and gradients: inside the range straight through, outside clipped and without gradient") {
    OneQuantiser quantiser(4, modern(), -0.4F, 1.1F);  // step 0.1, codes -8 ... 7, zero at -4
    const torch::Tensor x =
        torch::tensor({-100.0F, -0.44F, -0.4F, -0.33F, 0.0F, 0.26F, 1.1F, 1.14F, 1.2F, 50.0F}).requires_grad_();
    const torch::Tensor y = quantiser.forward(x);
    const torch::Tensor expected = torch::tensor({-0.4F, -0.4F, -0.4F, -0.3F, 0.0F, 0.3F, 1.1F, 1.1F, 1.1F, 1.1F});
    CHECK((y.detach() - expected).abs().max().item<double>() < 1e-6);
    (2.0 * y).sum().backward();
    CHECK(torch::equal(x.grad(), torch::tensor({0.0F, 2.0F, 2.0F, 2.0F, 2.0F, 2.0F, 2.0F, 2.0F, 0.0F, 0.0F})));
}

TEST_CASE("The gradient's mask fits whatever memory formats activation and gradient have") {
    const torch::Tensor values = golden::noise({2, 3, 5, 7}, 21), upstream = golden::noise({2, 3, 5, 7}, 22);
    std::vector<torch::Tensor> gradients;
    for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
        for (const auto upstream_format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
            PRelu prelu(3);
            pass_through(prelu, 4, modern());
            set_activation_ranges(prelu, {{"output", -0.5F, 0.4F}});
            const torch::Tensor x = values.clone(format).requires_grad_();
            prelu.forward(x).backward(upstream.contiguous(upstream_format));
            gradients.push_back(x.grad().contiguous());
        }
    }
    CHECK(gradients[0].eq(0.0).sum().item<int>() > 10);
    for (const torch::Tensor& other : gradients) CHECK(torch::equal(gradients[0], other));
}

TEST_CASE("Every rule follows the batches as its formula says, after the step") {
    const std::vector<std::pair<float, float>> batches{{-1.0F, 2.0F}, {-2.0F, 4.0F}, {0.5F, 1.0F}};
    const auto run = [&](RangeRule rule) {
        PRelu prelu(1);
        pass_through(prelu, 8, modern(RangeRule::learned, rule));
        for (const auto& [low, high] : batches) {
            const auto before = activation_ranges(prelu);
            prelu.forward(torch::tensor({low, 0.75F, high}).view({1, 1, 1, 3}));
            CHECK((activation_ranges(prelu) == before));
            update_ranges(prelu);
        }
        return activation_ranges(prelu)[0];
    };
    // metrics-and-statistics.md section 7.1: torch.ao's moving average, c = 0.01.
    CHECK(run(RangeRule::moving_average).x_min == Approx(-0.994900).epsilon(1e-6));
    CHECK(run(RangeRule::moving_average).x_max == Approx(2.009800).epsilon(1e-6));
    CHECK((run(RangeRule::minmax).x_min == -2.0F && run(RangeRule::minmax).x_max == 4.0F));
}

TEST_CASE("The first step passes activations on in float; later ones use what earlier ones left") {
    PRelu prelu(1);
    pass_through(prelu, 2, modern(RangeRule::learned, RangeRule::minmax));
    const torch::Tensor x = golden::noise({1, 1, 4, 9}, 5);
    CHECK(torch::equal(prelu.forward(x).detach(), x));
    CHECK((activation_ranges(prelu)[0].x_min == kInfinity));
    update_ranges(prelu);
    CHECK(activation_ranges(prelu)[0].x_max == x.max().item<float>());
    const torch::Tensor once = prelu.forward(x).detach(), twice = prelu.forward(3.0 * x).detach();
    CHECK_FALSE(torch::equal(once, x));
    CHECK(twice.abs().max().item<float>() <= 1.5F);  // the range of the first batch
    update_ranges(prelu);
    CHECK(activation_ranges(prelu)[0].x_max == 3.0F * x.max().item<float>());
}

TEST_CASE("Percentile and mse ranges leave an outlier out; mse is the least error of its candidates") {
    torch::Tensor x = golden::noise({1, 1, 100, 100}, 5);
    x[0][0][50][50] = 40.0F;
    for (const RangeRule rule : {RangeRule::percentile, RangeRule::mse, RangeRule::learned}) {
        QuantiserSettings settings = modern(RangeRule::learned, rule);
        settings.percentile = 0.999;
        PRelu prelu(1);
        pass_through(prelu, 4, settings);
        prelu.forward(x.clone());
        update_ranges(prelu);
        const ActivationRange range = activation_ranges(prelu)[0];
        CHECK(range.x_max < 39.0F);
        if (rule != RangeRule::percentile) continue;
        const torch::Tensor sorted = std::get<0>(x.flatten().sort());
        // Position 0.999 * 9999 = 9989.001 among the sorted values.
        CHECK(range.x_max == Approx(sorted[9989].item<float>()).epsilon(1e-4));
        CHECK(range.x_min == Approx(sorted[9].item<float>()).epsilon(1e-4));
    }
}

TEST_CASE("A learned step cannot become negative, follows its gradient, and has no gradient before it is calibrated") {
    OneQuantiser quantiser(4, modern(RangeRule::learned, RangeRule::learned), -0.4F, 1.1F);
    const torch::Tensor log_step = quantiser.prelu->named_parameters()["output.quantiser.log_step"];
    CHECK(log_step.item<float>() == Approx(std::log(0.1)).epsilon(1e-5));
    torch::optim::SGD optimiser({log_step}, torch::optim::SGDOptions(0.1));
    const torch::Tensor x = golden::noise({64}, 31, 3.0).requires_grad_();
    for (int step = 0; step < 5; ++step) {
        optimiser.zero_grad();
        quantiser.forward(x).square().sum().backward();  // pulls the step towards 0, hard
        optimiser.step();
        CHECK(std::isfinite(quantiser.forward(x.detach()).sum().item<float>()));
    }
    CHECK(std::exp(log_step.item<double>()) >= 0.0);
    CHECK(log_step.item<double>() < std::log(0.09));

    const auto network =
        small_network("iresnet10-w16-56", {.weight = 4, .activation = 4}, modern(RangeRule::learned, RangeRule::learned));
    const auto steps_of = [&] {
        std::vector<torch::Tensor> steps;
        for (const auto& item : network->named_parameters())
            if (item.key().ends_with("weight_quantiser.log_step")) steps.push_back(item.value().detach().clone());
        return steps;
    };
    const auto before = steps_of();
    train(*network, 3);
    const auto after = steps_of();
    REQUIRE(before.size() == after.size());
    CHECK(before.size() == 14);
    for (std::size_t i = 0; i < before.size(); ++i) CHECK_FALSE(torch::equal(before[i], after[i]));
}

TEST_CASE("Refused by name: never calibrated weights and activations, NaN and infinity") {
    for (const RangeRule rule : kActivationRules) {
        const auto network = small_network("iresnet10-w16-56", {.weight = 8, .activation = 8}, modern(RangeRule::mse, rule));
        set_observing(*network, false);
        CHECK_THROWS_WITH(network->forward(images()), ContainsSubstring("prelu.output"));
        set_observing(*network, true);
        network->eval();
        for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity}) {
            torch::Tensor broken = images().clone();
            broken[2][1][5][7] = bad;
            CHECK_THROWS_AS(network->forward(broken), NonFiniteError);
            CHECK_THROWS_WITH(network->forward(broken), ContainsSubstring("prelu.output"));
        }
        network->forward(images());
        update_ranges(*network);
        torch::Tensor broken = images().clone();
        broken[0][0][0][0] = kInfinity;
        CHECK_THROWS_WITH(network->forward(broken), ContainsSubstring("prelu.output"));
    }
    for (const RangeRule rule : kWeightRules) {
        const auto network = make_network("iresnet10-w16-56", 3);
        set_quantisers(*network, {.weight = 8, .activation = 32}, modern(rule));
        if (rule != RangeRule::minmax) CHECK_THROWS_WITH(network->forward(images()), ContainsSubstring("conv1"));
        calibrate_weights(*network);
        {
            const torch::NoGradGuard no_grad;
            network->named_parameters()["layer3.0.conv1.weight"][0][0][0][0] = std::nanf("");
        }
        CHECK_THROWS_WITH(network->forward(images()), ContainsSubstring("layer3.0.conv1"));
        if (rule != RangeRule::minmax) CHECK_THROWS_WITH(calibrate_weights(*network), ContainsSubstring("layer3.0.conv1"));
    }
}

TEST_CASE("Constant channels and tensors of zeros work, and zero is exactly zero") {
    for (const RangeRule rule : kWeightRules) {
        for (const GridKind grid : {GridKind::symmetric, GridKind::asymmetric}) {
            for (const bool per_channel : {true, false}) {
                QuantiserSettings settings = modern(rule);
                settings.weight_grid = grid;
                settings.weight_per_channel = per_channel;
                INFO(text_of(settings));
                Linear linear(6, 4, false);
                {
                    const torch::NoGradGuard no_grad;
                    linear.weight.copy_(golden::noise({4, 6}, 9));
                    linear.weight[0].zero_();
                    linear.weight[1].fill_(0.7);
                    linear.weight[2].fill_(-0.2);
                    linear.weight[3][2] = 0.0;
                }
                set_quantisers(linear, {.weight = 4, .activation = 32}, settings);
                calibrate_weights(linear);
                const torch::Tensor used = linear.used_weight().detach();
                CHECK(used[0].eq(0.0).all().item<bool>());
                CHECK(used[3][2].item<float>() == 0.0F);
                CHECK(used.isfinite().all().item<bool>());
                CHECK((used - linear.weight).abs().max().item<double>() < 0.12);
                torch::zeros({4, 6});
                {
                    const torch::NoGradGuard no_grad;
                    linear.weight.zero_();
                }
                calibrate_weights(linear);
                CHECK(linear.used_weight().detach().eq(0.0).all().item<bool>());
            }
        }
    }
    for (const RangeRule rule : kActivationRules) {
        PRelu prelu(2);
        pass_through(prelu, 4, modern(RangeRule::learned, rule));
        for (int i = 0; i < 3; ++i) {
            CHECK(prelu.forward(torch::zeros({2, 2, 3, 3})).detach().eq(0.0).all().item<bool>());
            update_ranges(prelu);
        }
    }
}
