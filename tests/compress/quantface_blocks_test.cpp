// Parity with the public reference code: single converted blocks at 16, 8, 6 and 4 bits, forward and backward.
#include <map>
#include <memory>

#include "parity_checks.hpp"

using namespace fairsweep;
using namespace fairsweep::golden;

namespace {

/// A block of a network as one function; modules by their names in the network.
struct Block {
    Block(const std::string& architecture, const std::string& name_value, Bits bits)
        : name(name_value), network(filled_network(architecture)) {
        set_quantisers(*network, bits);
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

constexpr double kRangeLimit = 1e-4, kOutputLimit = 1e-2, kGradientLimit = 1e-3;

void check_gradients(Block& block, const Json& expected) {
    double largest = 0.0;
    for (const auto& [name, golden] : expected.items()) largest = std::max(largest, golden.at("l2").get<double>());
    std::size_t compared = 0;
    for (const auto& [name, golden] : expected.items()) {
        if (golden.at("l2").get<double>() < 1e-4 * largest) continue;  // zero in exact arithmetic: a BatchNorm follows
        INFO(name);
        const torch::Tensor gradient = block.parameter(our_name(name)).grad();
        REQUIRE(gradient.defined());
        CHECK(relative_difference(l2(gradient), golden.at("l2").get<double>()) <= kGradientLimit);
        const torch::Tensor first = tensor_of(golden.at("first4"));
        const double scale = golden.at("l2").get<double>() * std::sqrt(4.0 / static_cast<double>(gradient.numel()));
        CHECK(l2(gradient.flatten().slice(0, 0, 4) - first) <= 20 * kGradientLimit * std::max(scale, l2(first)));
        ++compared;
    }
    CHECK(compared >= 3);
}

void check_block(const Json& block_json, int bits, const Json& expected) {
    const std::string architecture = block_json.at("network"), name = block_json.at("block");
    const auto shape = block_json.at("input_shape").get<std::vector<std::int64_t>>();
    const std::uint64_t index = block_json.at("index");
    const auto range_limit = [](std::size_t) { return kRangeLimit; };
    // A last-bit difference moves a value by a whole step, seldom: the first values of a tensor are close at 16 bits, where a
    // step is small; below, one step of a four-bit range (a fifteenth of it) is allowed.
    const double first_limit = bits == 16 ? 1e-2 : 0.3;
    const torch::Tensor a = noise(shape, 500000 + index), b = noise(shape, 500100 + index);
    {
        const torch::NoGradGuard no_grad;
        Block block(architecture, name, {.weight = bits, .activation = bits});
        block.network->eval();
        block.forward(a);
        set_observing(*block.network, false);
        const torch::Tensor output = block.forward(b);
        CHECK(output.sizes().vec() == expected.at("output_shape").get<std::vector<std::int64_t>>());
        check_ranges(block.ranges(), expected.at("eval").at("ranges"), range_limit);
        check_tensor(output, expected.at("eval").at("output"), kOutputLimit);
        check_first(output, expected.at("eval").at("output").at("first8"), first_limit);
    }
    Block block(architecture, name, {.weight = bits, .activation = bits});
    const torch::Tensor input = a.clone().requires_grad_();
    const torch::Tensor output = block.forward(input);
    const Json& train = expected.at("train");
    check_tensor(output, train.at("output"), kOutputLimit);
    check_first(output, train.at("output").at("first8"), first_limit);
    check_ranges(block.ranges(), train.at("ranges"), range_limit);
    (output * noise(output.sizes().vec(), 500200 + index)).sum().backward();
    check_tensor(input.grad(), train.at("grad_input"), kOutputLimit);
    check_first(input.grad(), train.at("grad_input").at("first8"), first_limit);
    check_gradients(block, train.at("grad_parameters"));
}

}  // namespace

TEST_CASE("Single blocks equal the reference's at 16, 8, 6 and 4 bits, forward and backward") {
    const Json golden = read("quantized_blocks.json");
    for (const auto& [name, block] : golden.at("blocks").items()) {
        for (const auto& [bits, expected] : block.at("bits").items()) {
            INFO(name << ", " << bits << " bits");
            check_block(block, std::stoi(bits), expected);
        }
    }
}
