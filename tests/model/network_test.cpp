#include "model/network.hpp"

#include <cmath>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;
using golden::Json;

namespace {

const Json& golden_models() {
    static const Json models = golden::read("models.json").at("models");
    return models;
}

std::int64_t parameter_count(const Network& network) {
    std::int64_t total = 0;
    for (const auto& parameter : network.parameters()) total += parameter.numel();
    return total;
}

std::int64_t trainable_count(const Network& network) {
    std::int64_t total = 0;
    for (const auto& parameter : network.parameters()) total += parameter.requires_grad() ? parameter.numel() : 0;
    return total;
}

void check_state(const Network& network, const Json& expected) {
    const NamedTensors state = state_of(network);
    REQUIRE(state.size() == expected.size());
    for (std::size_t i = 0; i < state.size(); ++i) {
        const auto& [name, tensor] = state[i];
        INFO(name);
        REQUIRE(name == expected[i][0].get<std::string>());
        REQUIRE(tensor.sizes().vec() == expected[i][1].get<std::vector<std::int64_t>>());
        if (!tensor.is_floating_point()) continue;
        const double sum = tensor.detach().to(torch::kFloat64).sum().item<double>();
        CHECK(std::abs(sum - expected[i][3].get<double>()) <= 1e-6 * std::max(1.0, std::abs(sum)));
    }
}

void check_embeddings(const torch::Tensor& embeddings, const Json& expected) {
    for (std::int64_t row = 0; row < embeddings.size(0); ++row) {
        const Json& golden = expected[static_cast<std::size_t>(row)];
        const torch::Tensor first = embeddings[row].slice(0, 0, 16), golden_first = golden::tensor_of(golden.at("first16"));
        CHECK(golden::l2(first - golden_first) <= 1e-5 * golden::l2(golden_first));
        CHECK(golden::relative_difference(golden::l2(embeddings[row]), golden.at("l2").get<double>()) <= 1e-6);
        CHECK(std::abs(golden::checksum(embeddings[row]) - golden.at("checksum").get<double>()) <=
              1e-5 * golden.at("l2").get<double>());
    }
}

/// The outputs whose norms the golden file has, by name.
std::vector<std::pair<std::string, torch::Tensor>> stages(Network& network, torch::Tensor x) {
    std::vector<std::pair<std::string, torch::Tensor>> out;
    for (const auto& item : network.named_children()) {
        torch::nn::Module* module = item.value().get();
        std::string name = item.key();
        if (auto* convolution = dynamic_cast<Convolution*>(module)) x = convolution->forward(x);
        if (auto* norm = dynamic_cast<torch::nn::BatchNorm2dImpl*>(module)) x = norm->forward(x);
        if (auto* prelu = dynamic_cast<PRelu*>(module)) {
            x = prelu->forward(x);
            name = "stem";
        }
        if (auto* stage = dynamic_cast<torch::nn::SequentialImpl*>(module)) x = stage->forward(x);
        if (auto* unit = dynamic_cast<Unit*>(module)) x = unit->forward(x);
        if (auto* linear = dynamic_cast<Linear*>(module)) x = linear->forward(x.flatten(1));
        out.emplace_back(name, x);
    }
    return out;
}

void check_stage_norms(Network& network, const torch::Tensor& images, const Json& expected) {
    std::size_t compared = 0;
    for (const auto& [name, output] : stages(network, images)) {
        if (!expected.contains(name)) continue;
        INFO(name);
        for (std::int64_t image = 0; image < output.size(0); ++image)
            CHECK(golden::relative_difference(golden::l2(output[image]),
                                              expected.at(name)[static_cast<std::size_t>(image)].get<double>()) <= 1e-6);
        ++compared;
    }
    CHECK(compared == expected.size());
}

/// One forward and backward pass in train mode; false when a value or gradient is not finite.
bool train_step_is_finite(Network& network, const torch::Tensor& images) {
    network.train();
    const torch::Tensor out = network.forward(images);
    if (out.size(1) != network.embedding_size()) return false;
    (out * torch::linspace(-1, 1, out.size(1))).sum().backward();
    for (const auto& parameter : network.parameters())
        if (parameter.requires_grad() && !(parameter.grad().defined() && parameter.grad().isfinite().all().item<bool>()))
            return false;
    return out.isfinite().all().item<bool>();
}

}  // namespace

TEST_CASE("The deterministic numbers are the golden ones") {
    const Json models = golden::read("models.json");
    for (const Json& row : models.at("hash_check")) CHECK(golden::hash(row[0], row[1], row[2]) == row[3].get<std::uint32_t>());
    const torch::Tensor images = golden::images(2, 100003);
    CHECK(torch::equal(images.flatten().slice(0, 0, 4), golden::tensor_of(models.at("input_check").at("100003").at("first4"))));
}

TEST_CASE("Full-size networks have the reference's state, and its embeddings in eval mode") {
    const torch::NoGradGuard no_grad;
    for (const char* name : {"iresnet18", "iresnet34", "iresnet50", "iresnet100", "mobilefacenet"}) {
        INFO(name);
        const Json& expected = golden_models().at(name);
        const auto network = golden::filled_network(name);
        CHECK(parameter_count(*network) == expected.at("parameters_total").get<std::int64_t>());
        CHECK(trainable_count(*network) == expected.at("parameters_trainable").get<std::int64_t>());
        check_state(*network, expected.at("state_dict"));
        network->eval();
        const torch::Tensor images = golden::images(2, 100003);
        check_embeddings(network->forward(images), expected.at("embedding"));
        check_stage_norms(*network, images, expected.at("stage_l2"));
    }
}

TEST_CASE("Reduced networks have the documented sizes and train at their input size") {
    struct Case {
        const char* name;
        std::int64_t parameters;
        int embedding_size;
    };
    for (const Case& c : {Case{"iresnet10-w16-56", 374512, 128}, Case{"mobilefacenet-w16-56", 44896, 64}}) {
        INFO(c.name);
        const auto network = make_network(c.name, 7);
        CHECK(parameter_count(*network) == c.parameters);
        CHECK(network->embedding_size() == c.embedding_size);
        CHECK(network->input_size() == 56);
        CHECK(train_step_is_finite(*network, golden::noise({4, 3, 56, 56}, 1)));
    }
}

TEST_CASE("Channels-last training works at the smallest allowed widths") {
    // Below 16 channels LibTorch 2.15 crashes in the weight gradient of a channels-last 1x1 stride-2 convolution.
    for (const char* name : {"iresnet10-w16-56", "iresnet10-w16-56-se", "mobilefacenet-w16-56"}) {
        INFO(name);
        const auto network = make_network(name, 7);
        const torch::Tensor images = golden::noise({8, 3, 56, 56}, 1);
        network->eval();
        const torch::Tensor plain = network->forward(images);
        for (auto& parameter : network->parameters())
            if (parameter.dim() == 4) parameter.set_data(parameter.data().contiguous(torch::MemoryFormat::ChannelsLast));
        const torch::Tensor channels_last = images.contiguous(torch::MemoryFormat::ChannelsLast);
        CHECK(golden::l2(network->forward(channels_last) - plain) <= 1e-4 * golden::l2(plain));
        CHECK(train_step_is_finite(*network, channels_last));
    }
}

TEST_CASE("Initial weights depend on the seed and the tensor's name alone") {
    torch::manual_seed(1);
    const auto first = make_network("iresnet10-w16-56", 5);
    torch::manual_seed(2);
    const auto second = make_network("iresnet10-w16-56", 5);
    const auto other = make_network("iresnet10-w16-56", 6);
    const NamedTensors a = state_of(*first), b = state_of(*second), c = state_of(*other);
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(torch::equal(a[i].second, b[i].second));
    CHECK_FALSE(torch::equal(a[0].second, c[0].second));
}

TEST_CASE("Initial weights have the reference's distributions") {
    const torch::NoGradGuard no_grad;
    const auto iresnet = make_network("iresnet10-w32-56", 5);
    const auto parameters = iresnet->named_parameters();
    const torch::Tensor convolution = parameters["layer4.0.conv2.weight"];  // 590 thousand values
    CHECK(convolution.std().item<double>() == Approx(0.1).epsilon(0.01));
    CHECK(std::abs(convolution.mean().item<double>()) < 0.001);
    const torch::Tensor fc = parameters["fc.weight"];
    const double bound = 1.0 / std::sqrt(static_cast<double>(fc.size(1)));
    CHECK(fc.abs().max().item<double>() <= bound);
    CHECK(fc.std().item<double>() == Approx(bound / std::sqrt(3.0)).epsilon(0.01));
    CHECK(parameters["fc.bias"].abs().max().item<double>() <= bound);
    CHECK(parameters["prelu.weight"].eq(0.25).all().item<bool>());
    CHECK(parameters["features.weight"].eq(1.0).all().item<bool>());
    CHECK_FALSE(parameters["features.weight"].requires_grad());

    const auto mobile = make_network("mobilefacenet", 5);
    const torch::Tensor separate = mobile->named_parameters()["conv_6_sep.conv.weight"];  // fan out 512
    CHECK(separate.std().item<double>() == Approx(std::sqrt(2.0 / 512.0)).epsilon(0.02));
    const torch::Tensor depthwise = mobile->named_parameters()["conv_45.conv_dw.conv.weight"];  // fan out 512 * 9
    CHECK(depthwise.std().item<double>() == Approx(std::sqrt(2.0 / (512.0 * 9.0))).epsilon(0.05));
}

TEST_CASE("A state round-trips, and a wrong one is refused without a change") {
    const auto source = make_network("mobilefacenet-w16-56", 1);
    const auto target = make_network("mobilefacenet-w16-56", 2);
    load_state(*target, state_of(*source));
    const NamedTensors a = state_of(*source), b = state_of(*target);
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(torch::equal(a[i].second, b[i].second));

    const auto third = make_network("mobilefacenet-w16-56", 3);
    const torch::Tensor before = state_of(*third)[0].second.clone();
    NamedTensors missing = state_of(*source);
    missing.pop_back();
    CHECK_THROWS_WITH(load_state(*third, missing), ContainsSubstring("num_batches_tracked"));
    NamedTensors extra = state_of(*source);
    extra.emplace_back("extra.weight", torch::zeros({1}));
    CHECK_THROWS_WITH(load_state(*third, extra), ContainsSubstring("extra.weight"));
    NamedTensors misshapen = state_of(*source);
    misshapen[0].second = torch::zeros({1, 2});
    CHECK_THROWS_WITH(load_state(*third, misshapen), ContainsSubstring("[1, 2]"));
    CHECK(torch::equal(before, state_of(*third)[0].second));
}

TEST_CASE("Dropout draws from its own seed, only in train mode") {
    const auto network = make_network("iresnet10-w16-56", 5);
    const torch::Tensor images = golden::noise({4, 3, 56, 56}, 1);
    const auto forward = [&](double probability, std::uint64_t seed) {
        network->set_dropout(probability, seed);
        return network->forward(images).detach().clone();
    };
    const torch::Tensor first = forward(0.4, 9);
    torch::manual_seed(123);
    CHECK(torch::equal(first, forward(0.4, 9)));
    CHECK_FALSE(torch::equal(first, forward(0.4, 10)));
    CHECK_FALSE(torch::equal(first, forward(0.0, 9)));
    network->eval();
    CHECK(torch::equal(forward(0.4, 9), forward(0.0, 9)));

    Dropout dropout;
    dropout.set(0.4, 1);
    const torch::Tensor ones = dropout.forward(torch::ones({100, 1000}));
    CHECK(ones.mean().item<double>() == Approx(1.0).epsilon(0.01));  // scaled by 1 / (1 - p)
    CHECK(ones.eq(0).to(torch::kFloat64).mean().item<double>() == Approx(0.4).epsilon(0.02));
}

TEST_CASE("A classifier is a linear layer behind the embedding, the last of all layers") {
    for (const std::string architecture : {"iresnet10-w16-56", "mobilefacenet-w16-56"}) {
        INFO(architecture);
        const auto plain = make_network(architecture, 4);
        const auto network = make_network(architecture, 4, 3);
        CHECK(plain->classes() == 0);
        CHECK(plain->output_size() == plain->embedding_size());
        CHECK(network->classes() == 3);
        CHECK(network->output_size() == 3);
        CHECK(weighted_layers(*network).back().first == "classifier");
        plain->eval();
        network->eval();
        const torch::NoGradGuard no_grad;
        const torch::Tensor images = torch::rand({2, 3, 56, 56});
        const torch::Tensor embedding = network->forward(images);
        CHECK(torch::equal(embedding, plain->forward(images)));  // the other weights are drawn as without it
        const auto& linear = dynamic_cast<const Linear&>(*weighted_layers(*network).back().second);
        CHECK(torch::allclose(network->outputs(images), torch::mm(embedding, linear.weight.t()) + linear.bias, 1e-5, 1e-6));
        CHECK(linear.weight.abs().max().item<double>() > 0.0);
    }
}
