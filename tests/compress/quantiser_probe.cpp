// Answers torch_oracle.py: reads cases as a JSON array on standard input, prints what preset "modern" makes of each.
#include <torch/torch.h>

#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "device/fake_quant_kernel.hpp"
#include "compress/quantisation.hpp"
#include "compress/range_search.hpp"
#include "model/layers.hpp"

using namespace fairsweep;
using Json = nlohmann::json;

namespace {

torch::Tensor tensor_of(const Json& values) {
    return torch::tensor(values.get<std::vector<double>>(), torch::kFloat64).to(torch::kFloat32);
}

std::vector<double> numbers(const torch::Tensor& x) {
    const torch::Tensor flat = x.detach().to(torch::kFloat64).contiguous().flatten();
    return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

Recipe modern_recipe(const Json& one) {
    Recipe recipe;
    recipe.preset = "modern";
    recipe.weight_grid = recipe.activation_grid = one.value("grid", "symmetric");
    recipe.activation_range = one.value("rule", "moving-average");
    recipe.weight_range = one.value("range", "learned");
    recipe.range_percentile = one.value("percentile", 0.9999);
    recipe.edge_bits = 2;
    return recipe;
}

/// A layer whose activation quantiser alone is left: slopes of 1, not quantised.
std::shared_ptr<PRelu> quantiser_of(const Json& one) {
    auto prelu = std::make_shared<PRelu>(1);
    const torch::NoGradGuard no_grad;
    prelu->weight.fill_(1.0);
    set_quantisers(*prelu, {.weight = 32, .activation = one.at("bits")}, settings_of(modern_recipe(one)));
    prelu->weight_transform = nullptr;
    return prelu;
}

Json quantise(const Json& one) {
    const torch::Tensor x = tensor_of(one.at("x")), g = tensor_of(one.at("g"));
    const StepGrid grid = grid_of_step(one.at("step").get<float>(), one.at("zero_point").get<float>(), one.at("bits"));
    const auto count = static_cast<std::size_t>(x.numel());
    std::vector<float> out(count), gradient(count);
    std::vector<std::uint16_t> kept(mask_words(count));
    (void)fake_quantise({x.const_data_ptr<float>(), count}, out.data(), kept.data(), grid);
    masked_gradient({g.const_data_ptr<float>(), count}, kept.data(), gradient.data());
    return {{"out", out}, {"grad", gradient}};
}

Json run_weights(const Json& one, bool learned) {
    const std::int64_t rows = one.at("rows");
    const torch::Tensor w = tensor_of(one.at("w")).view({rows, -1}), g = tensor_of(one.at("g")).view({rows, -1});
    Linear linear(static_cast<int>(w.size(1)), static_cast<int>(rows), false);
    torch::Tensor log_step;
    {
        const torch::NoGradGuard no_grad;
        linear.weight.copy_(w);
        set_quantisers(linear, {.weight = one.at("bits"), .activation = 32}, settings_of(modern_recipe(one)));
        calibrate_weights(linear);
        if (learned) {
            log_step = linear.named_parameters()["weight_quantiser.log_step"];
            log_step.copy_(tensor_of(one.at("steps")).log());
        } else if (one.contains("steps")) {
            linear.named_buffers()["weight_quantiser.step"].copy_(tensor_of(one.at("steps")));
            if (one.at("grid") == "asymmetric")
                linear.named_buffers()["weight_quantiser.zero_point"].copy_(tensor_of(one.at("zero_points")));
        }
    }
    const torch::Tensor out = linear.used_weight();
    out.backward(g);
    Json answer{{"out", numbers(out)}, {"grad", numbers(linear.weight.grad())}};
    if (learned) answer["step_grad"] = numbers(log_step.grad());
    return answer;
}

Json run_learned_activation(const Json& one) {
    Json settings = one;
    settings["rule"] = "learned";
    const auto prelu = quantiser_of(settings);
    // The range whose symmetric grid has that step.
    const double half_width = std::pow(2.0, one.at("bits").get<int>() - 1) - 0.5;
    const auto end = static_cast<float>(one.at("step").get<double>() * half_width);
    set_activation_ranges(*prelu, {{"output", -end, end}});
    set_observing(*prelu, false);
    const torch::Tensor x = tensor_of(one.at("x")).view({1, 1, 1, -1}).requires_grad_();
    const torch::Tensor out = prelu->forward(x);
    out.backward(tensor_of(one.at("g")).view({1, 1, 1, -1}));
    return {{"out", numbers(out)},
            {"grad", numbers(x.grad())},
            {"step_grad", numbers(prelu->named_parameters()["output.quantiser.log_step"].grad())}};
}

Json observe(const Json& one) {
    const auto prelu = quantiser_of(one);
    const torch::NoGradGuard no_grad;
    for (const Json& batch : one.at("batches")) {
        prelu->forward(tensor_of(batch).view({1, 1, 1, -1}));
        update_ranges(*prelu);
    }
    const ActivationRange range = activation_ranges(*prelu).at(0);
    const GridKind kind = one.at("grid") == "symmetric" ? GridKind::symmetric : GridKind::asymmetric;
    const StepGrid grid = grid_of_range(range.x_min, range.x_max, kind, one.at("bits"));
    return {{"x_min", range.x_min}, {"x_max", range.x_max}, {"step", grid.step}, {"zero_point", grid.zero_point}};
}

Json answer_to(const Json& one) {
    const std::string op = one.at("op");
    if (op == "quantise") return quantise(one);
    if (op == "weights") return run_weights(one, false);
    if (op == "learned_weights") return run_weights(one, true);
    if (op == "learned_activation") return run_learned_activation(one);
    if (op == "observe") return observe(one);
    throw std::runtime_error("no such op: " + op);
}

}  // namespace

int main() {
    try {
        Json answers = Json::array();
        for (const Json& one : Json::parse(std::cin)) answers.push_back(answer_to(one));
        std::cout << answers.dump() << '\n';
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
