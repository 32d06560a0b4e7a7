#include "compress/activation_quantisers.hpp"
#include "compress/quantisation.hpp"

#include <cmath>
#include <limits>

#include "compress/distillation.hpp"
#include "compress/non_finite_error.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;
using golden::Json;

namespace {

const Json& golden_quantiser() {
    static const Json values = golden::read("quantiser.json");
    return values;
}

torch::Tensor shaped(const Json& values, const Json& shape) {
    return golden::tensor_of(values).view(shape.get<std::vector<std::int64_t>>());
}

void set(torch::Tensor& parameter, const torch::Tensor& value) {
    const torch::NoGradGuard no_grad;
    parameter.copy_(value);
}

/// Slopes of exactly 1, not quantised: the activation quantiser alone is left.
void pass_through(PRelu& prelu, int bits) {
    set(prelu.weight, torch::ones_like(prelu.weight));
    set_quantisers(prelu, {.weight = 32, .activation = bits});
    prelu.weight_transform = nullptr;
}

/// A small network of each family, with images.
struct Small {
    explicit Small(const char* name, std::uint64_t seed = 3) : network(make_network(name, seed)) {}
    std::shared_ptr<Network> network;
    torch::Tensor images = golden::noise({4, 3, 56, 56}, 11);
};

constexpr const char* kQuantisedNetworks[] = {"iresnet10-w16-56", "mobilefacenet-w16-56"};

/// Runs three steps of SGD against a fixed teacher; all losses and the final state.
struct Trace {
    std::vector<double> losses;
    NamedTensors state;
};
Trace train(Network& network, const torch::Tensor& images) {
    torch::optim::SGD optimiser(network.parameters(),
                                torch::optim::SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(5e-4));
    const torch::Tensor teacher = golden::noise({images.size(0), network.embedding_size()}, 12);
    Trace trace;
    for (int step = 0; step < 3; ++step) {
        optimiser.zero_grad();
        const torch::Tensor loss = embedding_loss(network.forward(images), teacher, 128.0);
        loss.backward();
        optimiser.step();
        trace.losses.push_back(loss.item<double>());
    }
    trace.state = state_of(network);
    return trace;
}

}  // namespace

TEST_CASE("Quantised weights, outputs and gradients of single layers are the golden ones") {
    for (const Json& module : golden_quantiser().at("modules")) {
        const std::string name = module.at("name");
        for (const auto& [bits, expected] : module.at("bits").items()) {
            INFO(name << ", " << bits << " bits");
            Convolution convolution({.in = 3, .out = 4, .kernel = 3, .padding = 1});
            Linear linear(7, 5, true);
            PRelu prelu(8);
            WeightedLayer& layer = name == "conv"     ? static_cast<WeightedLayer&>(convolution)
                                   : name == "linear" ? static_cast<WeightedLayer&>(linear)
                                                      : prelu;
            set(layer.weight, shaped(module.at("weight"), module.at("weight_shape")));
            if (name == "linear") set(linear.bias, golden::tensor_of(module.at("bias")));
            set_quantisers(layer, {.weight = std::stoi(bits), .activation = std::stoi(bits)});
            CHECK(torch::equal(layer.used_weight().detach().flatten(), golden::tensor_of(expected.at("weight_quantised"))));

            const torch::Tensor input = shaped(module.at("input"), module.at("input_shape")).requires_grad_();
            const torch::Tensor output = name == "conv"     ? convolution.forward(input)
                                         : name == "linear" ? linear.forward(input)
                                                            : prelu.forward(input);
            const torch::Tensor golden_output = golden::tensor_of(expected.at("output"));
            const torch::Tensor flat = output.detach().flatten();
            if (name == "prelu")
                CHECK(torch::equal(flat, golden_output));  // quantised: equal or a step apart
            else
                CHECK(golden::l2(flat - golden_output) <= 1e-6 * golden::l2(golden_output));
            (output * shaped(module.at("upstream"), module.at("upstream_shape"))).sum().backward();
            const torch::Tensor gradient = golden::tensor_of(expected.at("grad_weight"));
            CHECK(golden::l2(layer.weight.grad().flatten() - gradient) <= 1e-6 * golden::l2(gradient));
            CHECK(golden::relative_difference(golden::l2(input.grad()), expected.at("grad_input_l2").get<double>()) <= 1e-6);
        }
    }
}

TEST_CASE("Range updates and outputs of an activation quantiser are the golden ones bit for bit") {
    for (const Json& run : golden_quantiser().at("range_updates")) {
        const int bits = run.at("bits");
        PRelu prelu(3);
        pass_through(prelu, bits);
        for (const Json& step : run.at("steps")) {
            INFO(bits << " bits, k " << step.at("k"));
            set_observing(prelu, !step.at("frozen").get<bool>());
            const torch::Tensor x = golden::noise({2, 3, 4, 4}, step.at("k"), step.at("amplitude"), step.at("offset"));
            const torch::Tensor out = prelu.forward(x).detach();
            const auto range = activation_ranges(prelu).at(0);
            CHECK(range.x_min == static_cast<float>(step.at("x_min").get<double>()));
            CHECK(range.x_max == static_cast<float>(step.at("x_max").get<double>()));
            CHECK(torch::equal(out.flatten().slice(0, 0, 8), golden::tensor_of(step.at("output_first8"))));
            CHECK(golden::relative_difference(golden::l2(out), step.at("output_l2").get<double>()) <= 1e-7);
        }
    }
}

TEST_CASE("A range update rounds as the reference's formula does") {
    for (const Json& example : golden_quantiser().at("range_update_rounding").at("examples")) {
        PRelu prelu(1);
        pass_through(prelu, 8);
        for (int batch = 0; batch < 2; ++batch)
            prelu.forward(torch::full({1, 1, 1, 1}, example[static_cast<std::size_t>(batch)].get<double>()));
        CHECK(activation_ranges(prelu).at(0).x_min == static_cast<float>(example[2].get<double>()));
    }
}

TEST_CASE("The straight-through gradient is 1 everywhere, also outside the range") {
    PRelu prelu(1);
    pass_through(prelu, 4);
    prelu.forward(torch::tensor({-1.0F, 1.0F}).view({1, 1, 1, 2}));
    set_observing(prelu, false);
    const torch::Tensor x = torch::tensor({-100.0F, -1.0F, -0.3F, 0.0F, 0.7F, 1.0F, 100.0F}).view({1, 1, 1, 7}).requires_grad_();
    const torch::Tensor out = prelu.forward(x);
    CHECK(out.detach().abs().max().item<float>() < 1.1F);
    out.sum().backward();
    CHECK(x.grad().eq(1.0).all().item<bool>());
}

TEST_CASE("Quantisers sit where the reference has them") {
    struct Case {
        const char* name;
        std::size_t quantisers, weighted;
    };
    for (const Case& c : {Case{"iresnet18", 17, 31}, Case{"mobilefacenet", 45, 83}}) {
        INFO(c.name);
        const auto network = build_network(c.name);
        set_quantisers(*network, {.weight = 8, .activation = 8});
        CHECK(activation_ranges(*network).size() == c.quantisers);
        std::size_t quantised = 0;
        for (const auto& [name, layer] : weighted_layers(*network)) quantised += layer->weight_transform ? 1 : 0;
        CHECK(quantised == c.weighted);  // every convolution, linear layer and PReLU
        set_quantisers(*network, {.weight = 4, .activation = 32});
        CHECK(activation_ranges(*network).empty());
        for (const auto& [name, layer] : weighted_layers(*network))
            CHECK(static_cast<bool>(layer->weight_transform) == (layer->kind != WeightedLayer::Kind::prelu));
    }
}

TEST_CASE("Bits 32 is the plain network bit for bit, in training too, also after other widths were set") {
    for (const char* name : kQuantisedNetworks) {
        INFO(name);
        Small plain(name), off(name);
        set_quantisers(*off.network, {.weight = 4, .activation = 4});
        set_quantisers(*off.network, {});
        set_observing(*off.network, false);
        const Trace a = train(*plain.network, plain.images), b = train(*off.network, off.images);
        CHECK(a.losses == b.losses);
        REQUIRE(a.state.size() == b.state.size());
        for (std::size_t i = 0; i < a.state.size(); ++i) {
            CHECK(a.state[i].first == b.state[i].first);
            CHECK(torch::equal(a.state[i].second, b.state[i].second));
        }
    }
}

TEST_CASE("16 bits stay close to float, low widths move away, and every width trains") {
    for (const char* name : kQuantisedNetworks) {
        INFO(name);
        Small small(name);
        small.network->eval();
        const torch::Tensor expected = small.network->forward(small.images).detach();
        double last_error = 0.0;
        for (const int bits : {16, 8, 4, 2}) {
            set_quantisers(*small.network, {.weight = bits, .activation = bits});
            const torch::Tensor found = small.network->forward(small.images).detach();
            const double error = golden::l2(found - expected) / golden::l2(expected);
            CHECK(error > last_error);
            last_error = error;
            if (bits == 16) CHECK(error < 1e-2);
        }
        small.network->train();
        for (const Bits bits : {Bits{8, 8}, Bits{4, 8}, Bits{3, 32}, Bits{32, 3}}) {
            set_quantisers(*small.network, bits);
            for (const double loss : train(*small.network, small.images).losses) CHECK(std::isfinite(loss));
        }
    }
}

TEST_CASE("Ranges and observing travel with the state, and frozen ranges do not move") {
    Small source("iresnet10-w16-56"), target("iresnet10-w16-56", 4);
    set_quantisers(*source.network, {.weight = 8, .activation = 8});
    set_quantisers(*target.network, {.weight = 8, .activation = 8});
    source.network->forward(source.images);
    const auto ranges = activation_ranges(*source.network);
    for (const auto& range : ranges) CHECK((range.x_min <= 0.0F && range.x_max > 0.0F));
    CHECK(ranges.at(1).name == "layer1.0.prelu.output");

    load_state(*target.network, state_of(*source.network));
    CHECK((activation_ranges(*target.network) == ranges));
    set_observing(*target.network, false);
    target.network->forward(3.0 * source.images);
    CHECK((activation_ranges(*target.network) == ranges));
    set_observing(*target.network, true);
    target.network->eval();  // an observing network also widens its ranges in eval mode, as the reference does
    target.network->forward(30.0 * source.images);
    CHECK((activation_ranges(*target.network) != ranges));
    set_activation_ranges(*target.network, ranges);
    CHECK((activation_ranges(*target.network) == ranges));
}

TEST_CASE("A frozen range that was never calibrated is refused by name") {
    Small small("mobilefacenet-w16-56");
    set_quantisers(*small.network, {.weight = 8, .activation = 8});
    set_observing(*small.network, false);
    CHECK_THROWS_WITH(small.network->forward(small.images), ContainsSubstring("conv1.prelu.output"));
}

TEST_CASE("An activation of zeros alone is calibrated, and survives saving and loading") {
    QuantfaceActivationQuantiser quantiser("relu", 8), loaded("relu", 8);
    CHECK_THROWS_WITH(quantiser.describe(), ContainsSubstring("never calibrated"));
    CHECK(quantiser.forward(torch::zeros({2, 3})).abs().max().item<float>() < 1e-7F);  // a range is 1e-8 wide at least
    quantiser.observing = false;
    CHECK(quantiser.forward(torch::zeros({2, 3})).abs().max().item<float>() < 1e-7F);
    CHECK(quantiser.low() == 0.0F);
    load_state(loaded, state_of(quantiser));
    loaded.observing = false;
    CHECK(loaded.forward(torch::zeros({2, 3})).abs().max().item<float>() < 1e-7F);
    loaded.observing = true;
    (void)loaded.forward(torch::full({2, 3}, 5.0F));  // widened as from (0, 0)
    CHECK(loaded.high() == 5.0F);
    CHECK(loaded.low() == 0.0F);
}

TEST_CASE("NaN and infinity are refused with the layer's name, observing or not, in weights and activations") {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        Small small("iresnet10-w16-56");
        set_quantisers(*small.network, {.weight = 8, .activation = 8});
        small.network->eval();
        small.network->forward(small.images);
        torch::Tensor broken = small.images.clone();
        broken[2][1][5][7] = bad;
        CHECK_THROWS_AS(small.network->forward(broken), NonFiniteError);
        CHECK_THROWS_WITH(small.network->forward(broken), ContainsSubstring("prelu.output"));
        set_observing(*small.network, false);
        CHECK_THROWS_WITH(small.network->forward(broken), ContainsSubstring("prelu.output"));
        {
            const torch::NoGradGuard no_grad;
            small.network->named_parameters()["layer3.0.conv1.weight"][0][0][0][0] = bad;
        }
        CHECK_THROWS_WITH(small.network->forward(small.images), ContainsSubstring("layer3.0.conv1"));
    }
}

TEST_CASE("Memory format does not change what the quantisers do") {
    Small small("mobilefacenet-w16-56");
    set_quantisers(*small.network, {.weight = 8, .activation = 8});
    for (const auto& [name, layer] : weighted_layers(*small.network)) {
        if (layer->weight.dim() != 4) continue;
        const torch::Tensor plain = layer->used_weight().detach().clone();
        layer->weight.set_data(layer->weight.data().contiguous(torch::MemoryFormat::ChannelsLast));
        CHECK(torch::equal(plain, layer->used_weight().detach()));
    }
    const torch::Tensor strided = golden::noise({4, 3, 56, 112}, 11).slice(3, 0, 112, 2);
    PRelu a(3), b(3);
    set_quantisers(a, {.weight = 8, .activation = 8});
    set_quantisers(b, {.weight = 8, .activation = 8});
    CHECK(torch::equal(a.forward(strided), b.forward(strided.contiguous(torch::MemoryFormat::ChannelsLast))));
}

TEST_CASE("Widths outside 2 ... 16 and 32 are refused") {
    const auto network = build_network("iresnet10-w16-56");
    for (const int bits : {-1, 0, 1, 17, 31, 33}) {
        CHECK_THROWS_AS(set_quantisers(*network, {.weight = bits, .activation = 8}), Error);
        CHECK_THROWS_AS(set_quantisers(*network, {.weight = 8, .activation = bits}), Error);
    }
}

TEST_CASE("The embedding loss is the mean squared difference of unit vectors times the scale") {
    const torch::Tensor student = torch::tensor({{3.0F, 0.0F}, {0.0F, 2.0F}}).requires_grad_();
    const torch::Tensor teacher = torch::tensor({{0.0F, 5.0F}, {0.0F, 1.0F}});
    const torch::Tensor loss = embedding_loss(student, teacher, 2.0);
    CHECK(loss.item<double>() == Approx(2.0 * (1.0 + 1.0) / 4.0));  // 2 - 2 cos = 2 and 0, over 2 dimensions, mean of 2 rows
    loss.backward();
    CHECK(student.grad()[1].abs().max().item<double>() == Approx(0.0).margin(1e-7));
    CHECK(student.grad()[0][1].item<double>() < 0.0);
}
