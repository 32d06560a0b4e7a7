// Parity with the public reference code: single converted blocks at 16, 8, 6 and 4 bits, and three training steps of whole
// networks. Limits: golden README, section 7 (three to five times what the reference itself moves by).
#include <regex>

#include "compress/distillation.hpp"
#include "compress/quantisation.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;
using golden::Json;

namespace {

/// The reference wraps what is followed by a quantiser: "layer1.0.0.conv1" there is "layer1.0.conv1" here.
std::string our_name(const std::string& name) {
    static const std::regex nesting("(layer[0-9]+\\.[0-9]+|model\\.[0-9]+)\\.0\\.");
    return std::regex_replace(name.starts_with("0.") ? name.substr(2) : name, nesting, "$1.");
}

/// A block of a network as one function; modules by their names in the network.
struct Block {
    Block(const std::string& architecture, const std::string& name_value, Bits bits)
        : name(name_value), network(golden::filled_network(architecture)) {
        set_bits(*network, bits);
        for (const auto& item : network->named_modules()) modules[item.key()] = item.value();
    }

    torch::Tensor forward(const torch::Tensor& x) {
        using torch::nn::BatchNorm1dImpl;
        using torch::nn::BatchNorm2dImpl;
        if (name == "stem")
            return get<PRelu>("prelu").forward(get<BatchNorm2dImpl>("bn1").forward(get<Convolution>("conv1").forward(x)));
        if (name == "head")
            return get<BatchNorm1dImpl>("features")
                .forward(get<Linear>("fc").forward(get<BatchNorm2dImpl>("bn2").forward(x).flatten(1)));
        return get<Unit>(name).forward(x);
    }

    /// The parameter of that name inside the block.
    torch::Tensor parameter(const std::string& inner) {
        return network->named_parameters()[name == "stem" || name == "head" ? inner : name + "." + inner];
    }

    std::vector<ActivationRange> ranges() {
        std::vector<ActivationRange> own;
        for (const auto& range : activation_ranges(*network))
            if (name == "stem" ? range.name == "prelu.output" : range.name.starts_with(name + ".")) own.push_back(range);
        return own;
    }

    std::string name;
    std::shared_ptr<Network> network;
    std::map<std::string, std::shared_ptr<torch::nn::Module>> modules;

private:
    template <typename Module>
    Module& get(const std::string& module) {
        return dynamic_cast<Module&>(*modules.at(module));
    }
};

void check_tensor(const torch::Tensor& found, const Json& expected, double limit) {
    const double norm = expected.at("l2");
    CHECK(golden::relative_difference(golden::l2(found), norm) <= limit);
    if (expected.contains("checksum"))
        CHECK(std::abs(golden::checksum(found) - expected.at("checksum").get<double>()) <= limit * norm);
}

void check_ranges(const std::vector<ActivationRange>& found, const Json& expected, double limit) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        INFO(found[i].name);
        const double low = expected[i][1], high = expected[i][2], width = std::max(std::abs(low), std::abs(high));
        CHECK(std::abs(static_cast<double>(found[i].x_min) - low) <= limit * width);
        CHECK(std::abs(static_cast<double>(found[i].x_max) - high) <= limit * width);
    }
}

void check_gradients(Block& block, const Json& expected, double limit) {
    double largest = 0.0;
    for (const auto& [name, golden] : expected.items()) largest = std::max(largest, golden.at("l2").get<double>());
    std::size_t compared = 0;
    for (const auto& [name, golden] : expected.items()) {
        if (golden.at("l2").get<double>() < 1e-4 * largest) continue;  // zero in exact arithmetic: a BatchNorm follows
        INFO(name);
        const torch::Tensor gradient = block.parameter(our_name(name)).grad();
        REQUIRE(gradient.defined());
        CHECK(golden::relative_difference(golden::l2(gradient), golden.at("l2").get<double>()) <= limit);
        const torch::Tensor first = golden::tensor_of(golden.at("first4"));
        const double scale = golden.at("l2").get<double>() * std::sqrt(4.0 / static_cast<double>(gradient.numel()));
        CHECK(golden::l2(gradient.flatten().slice(0, 0, 4) - first) <= 20 * limit * std::max(scale, golden::l2(first)));
        ++compared;
    }
    CHECK(compared >= 3);
}

void check_block(const Json& block_json, int bits, const Json& expected) {
    const std::string architecture = block_json.at("network"), name = block_json.at("block");
    const auto shape = block_json.at("input_shape").get<std::vector<std::int64_t>>();
    const std::uint64_t index = block_json.at("index");
    const torch::Tensor a = golden::noise(shape, 500000 + index), b = golden::noise(shape, 500100 + index);
    {
        const torch::NoGradGuard no_grad;
        Block block(architecture, name, {.weight = bits, .activation = bits});
        block.network->eval();
        block.forward(a);
        set_observing(*block.network, false);
        const torch::Tensor output = block.forward(b);
        check_ranges(block.ranges(), expected.at("eval").at("ranges"), 1e-4);
        check_tensor(output, expected.at("eval").at("output"), 1e-2);
    }
    Block block(architecture, name, {.weight = bits, .activation = bits});
    const torch::Tensor input = a.clone().requires_grad_();
    const torch::Tensor output = block.forward(input);
    const Json& train = expected.at("train");
    check_tensor(output, train.at("output"), 1e-2);
    check_ranges(block.ranges(), train.at("ranges"), 1e-4);
    (output * golden::noise(output.sizes().vec(), 500200 + index)).sum().backward();
    check_tensor(input.grad(), train.at("grad_input"), 1e-2);
    check_gradients(block, train.at("grad_parameters"), 1e-3);
}

struct QatLimits {
    double loss, gradient, change, embedding;
};

torch::Tensor unit(const torch::Tensor& x) { return x / x.norm(2, 1, true).clamp_min(1e-12); }

/// Three steps of the reference's recipe, compared after each.
void check_qat(const std::string& architecture, const Json& run, const QatLimits& limits) {
    const torch::Tensor images = golden::images(4, 100006);
    const auto teacher = golden::filled_network(architecture), student = golden::filled_network(architecture);
    teacher->eval();
    torch::Tensor target;
    {
        const torch::NoGradGuard no_grad;
        target = unit(teacher->forward(images));
    }
    CHECK(golden::l2(target[0].slice(0, 0, 8) - golden::tensor_of(run.at("teacher_row0_first8"))) <= 1e-5);
    set_bits(*student, {.weight = run.at("weight_bits"), .activation = run.at("activation_bits")});
    std::map<std::string, torch::Tensor> start, parameters;
    std::vector<torch::Tensor> trainable;
    for (const auto& item : student->named_parameters()) {
        parameters[item.key()] = item.value();
        start[item.key()] = item.value().detach().clone();
        if (item.value().requires_grad()) trainable.push_back(item.value());
    }
    torch::optim::SGD optimiser(
        trainable, torch::optim::SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(run.at("weight_decay").get<double>()));
    for (const Json& step : run.at("steps")) {
        optimiser.zero_grad();
        const torch::Tensor loss = embedding_loss(student->forward(images), target, 1.0);
        loss.backward();
        CHECK(golden::relative_difference(loss.item<double>(), step.at("loss").get<double>()) <= limits.loss);
        double largest = 0.0;
        for (const auto& [name, norm] : step.at("grad_l2").items()) largest = std::max(largest, norm.get<double>());
        for (const auto& [name, norm] : step.at("grad_l2").items()) {
            if (norm.get<double>() < 1e-6 * largest) continue;
            INFO(name);
            CHECK(golden::relative_difference(golden::l2(parameters.at(our_name(name)).grad()), norm.get<double>()) <=
                  limits.gradient);
        }
        const double total = torch::nn::utils::clip_grad_norm_(trainable, run.at("clip_max_norm").get<double>());
        CHECK(golden::relative_difference(total, step.at("grad_norm_before_clip").get<double>()) <= limits.gradient);
        optimiser.step();
        for (const auto& [name, change] : step.at("change_since_start_l2").items()) {
            INFO(name);
            const double found = golden::l2(parameters.at(our_name(name)).detach() - start.at(our_name(name)));
            CHECK(golden::relative_difference(found, change.get<double>()) <= limits.change);
        }
    }
    check_ranges(activation_ranges(*student), run.at("quantisers"), 1e-3);
    set_observing(*student, false);
    student->eval();
    const torch::NoGradGuard no_grad;
    const torch::Tensor embeddings = student->forward(golden::images(2, 100005));
    for (std::int64_t row = 0; row < 2; ++row)
        check_tensor(embeddings[row], run.at("embedding_after")[static_cast<std::size_t>(row)], limits.embedding);
}

/// Two calibration batches, ranges frozen, one batch evaluated.
void check_forward(const std::string& architecture, const Json& golden, const Json& setting, double range_limit,
                   double embedding_limit) {
    const torch::NoGradGuard no_grad;
    const auto network = golden::filled_network(architecture);
    set_bits(*network, {.weight = setting.at("weight_bits"), .activation = setting.at("activation_bits")});
    network->eval();
    for (const Json& k : golden.at("calibration_k")) network->forward(golden::images(2, k));
    set_observing(*network, false);
    const torch::Tensor embeddings = network->forward(golden::images(2, golden.at("evaluation_k")));
    check_ranges(activation_ranges(*network), setting.at("quantisers"), range_limit);
    for (std::int64_t row = 0; row < 2; ++row) {
        const Json& expected = setting.at("embedding")[static_cast<std::size_t>(row)];
        const torch::Tensor first = golden::tensor_of(expected.at("first16"));
        CHECK(golden::l2(embeddings[row].slice(0, 0, 16) - first) <= embedding_limit * golden::l2(first));
        check_tensor(embeddings[row], expected, embedding_limit);
    }
}

}  // namespace

TEST_CASE("Whole networks at 16 and 8 bits have the reference's ranges and embeddings") {
    const Json golden = golden::read("quantized_forward.json");
    for (const auto& [architecture, model] : golden.at("models").items()) {
        for (const auto& [name, setting] : model.at("settings").items()) {
            INFO(architecture << ", " << name);
            // At 8 bits last-bit differences move values by whole steps: the limits are wide, at fewer bits they say nothing.
            if (name == "w16a16") check_forward(architecture, golden, setting, 1e-3, 2e-3);
            if (name == "w8a8") check_forward(architecture, golden, setting, 0.15, 0.3);
        }
    }
}

TEST_CASE("Single blocks equal the reference's at 16, 8, 6 and 4 bits, forward and backward") {
    const Json golden = golden::read("quantized_blocks.json");
    for (const auto& [name, block] : golden.at("blocks").items()) {
        for (const auto& [bits, expected] : block.at("bits").items()) {
            INFO(name << ", " << bits << " bits");
            check_block(block, std::stoi(bits), expected);
        }
    }
}

TEST_CASE("Three training steps at 16 bits equal the reference's") {
    const Json runs = golden::read("qat_steps.json").at("runs");
    for (const char* name : {"iresnet18_w16a16", "iresnet18_w16a16_clip0.003_nodecay"}) {
        INFO(name);
        check_qat("iresnet18", runs.at(name), {.loss = 1e-4, .gradient = 5e-3, .change = 5e-3, .embedding = 1e-3});
    }
    for (const char* name : {"mobilefacenet_w16a16", "mobilefacenet_w16a16_clip0.02_nodecay"}) {
        INFO(name);
        check_qat("mobilefacenet", runs.at(name), {.loss = 1e-4, .gradient = 2.5e-2, .change = 1e-2, .embedding = 5e-3});
    }
}
