// How fast is fake quantisation? Forward with range and clip mask, and backward, against LibTorch's operators in the same run and
// against a copy of the same bytes. Runs are interleaved and medians taken: other work on the machine meets all of them alike.
#include <ATen/Parallel.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "compress/quantisation.hpp"
#include "device/device_ops.hpp"
#include "device/fake_quant_kernel.hpp"
#include "device/fake_quant_loops.hpp"
#include "fairsweep/process_memory.hpp"
#include "model/network.hpp"
#include "timing.hpp"

using namespace fairsweep;
using Json = nlohmann::json;

namespace {

struct Contender {
    std::string name;
    std::function<void()> run;
    std::vector<double> times_ms{};
};

/// First contender: ours; second: what it is raced against; third: the copy.
Json race(const std::string& name, std::vector<Contender> contenders, int runs, double values) {
    for (Contender& one : contenders) one.run();  // warm: pages, caches, threads
    for (int i = 0; i < runs; ++i) {
        for (std::size_t k = 0; k < contenders.size(); ++k) {
            Contender& one = contenders[(k + static_cast<std::size_t>(i)) % contenders.size()];
            one.times_ms.push_back(1e3 * seconds_of(one.run));
        }
    }
    const auto best = [](const Contender& one) { return *std::min_element(one.times_ms.begin(), one.times_ms.end()); };
    const double ours = median(contenders[0].times_ms), theirs = median(contenders[1].times_ms),
                 copy = median(contenders[2].times_ms);
    return {{"name", name},
            {"figure", ours},
            {"unit", "ms"},
            {"values", values},
            {"raced", contenders[1].name},
            {"raced_ms", theirs},
            {"ratio", theirs / ours},
            {"copy", contenders[2].name},
            {"copy_ms", copy},
            {"times_copy", ours / copy},
            {"best_ms", best(contenders[0])},  // on a busy machine the best run says more than the median
            {"ratio_of_best", best(contenders[1]) / best(contenders[0])},
            {"times_copy_of_best", best(contenders[0]) / best(contenders[2])},
            {"runs", runs}};
}

/// Told at once, on standard error: a whole run takes a minute.
void report(Json& figures, const Json& f) {
    std::fprintf(stderr, "%-66s %8.3f ms   %s %8.3f (x %.1f)   %s %8.3f (%.2f of it)   %d runs\n",
                 f["name"].get<std::string>().c_str(), f["figure"].get<double>(), f["raced"].get<std::string>().c_str(),
                 f["raced_ms"].get<double>(), f["ratio"].get<double>(), f["copy"].get<std::string>().c_str(),
                 f["copy_ms"].get<double>(), f["times_copy"].get<double>(), f["runs"].get<int>());
    figures.push_back(f);
}

/// One activation tensor: range, quantised values, mask; then the masked gradient.
void race_activation(Json& figures, const std::vector<std::int64_t>& shape, int runs) {
    const torch::Tensor x = torch::randn(shape), gradient = torch::randn(shape), target = torch::empty_like(x);
    const StepGrid grid = asymmetric_grid(-2.0F, 2.5F, 8);
    const double step = static_cast<double>(grid.step);
    const auto zero = static_cast<std::int64_t>(grid.zero_point);
    const auto words = static_cast<std::int64_t>(mask_words(static_cast<std::size_t>(x.numel())));
    const GridTensors tensors{GridSource::asymmetric_range, 8, torch::full({1}, -2.0F), torch::full({1}, 2.5F)};
    const torch::Tensor seen = Seen::nothing(), broken = torch::zeros({1}, torch::kInt);
    torch::Tensor kept = torch::empty({1, words}, torch::kShort), mask, values;
    const auto quantise = [&](const torch::Tensor& from) { cpu_ops().quantise_stepped(from, target, kept, tensors, seen, broken); };
    const std::string size = std::to_string(x.numel()) + " values";
    const auto count = static_cast<double>(x.numel());
    const auto copy = [&] { target.copy_(x); };
    const Contender forward{"fairsweep", [&] { quantise(x); }};
    const Contender torch_forward{"aminmax + fake_quantize_per_tensor_affine", [&] {
                                      (void)at::aminmax(x);
                                      std::tie(values, mask) =
                                          at::fake_quantize_per_tensor_affine_cachemask(x, step, zero, -128, 127);
                                  }};
    report(figures, race("per tensor, forward, " + size, {forward, torch_forward, {"copy", copy}}, runs, count));
    const Contender in_place{"fairsweep", [&] { quantise(target); }};
    report(figures, race("per tensor, forward in place, " + size, {in_place, torch_forward, {"copy", copy}}, runs, count));
    const Contender backward{"fairsweep", [&] { cpu_ops().masked_gradient(gradient, kept, target); }};
    const Contender torch_backward{"fake_quantize_per_tensor_affine backward",
                                   [&] { values = at::fake_quantize_per_tensor_affine_cachemask_backward(gradient, mask); }};
    report(figures, race("per tensor, backward, " + size, {backward, torch_backward, {"copy", copy}}, runs, count));
    report(figures, race("per tensor, forward + backward, " + size,
                         {{"fairsweep",
                           [&] {
                               quantise(x);
                               cpu_ops().masked_gradient(gradient, kept, target);
                           }},
                          {"aminmax + fake_quantize_per_tensor_affine, forward + backward",
                           [&] {
                               torch_forward.run();
                               torch_backward.run();
                           }},
                          {"two copies",
                           [&] {
                               target.copy_(x);
                               target.copy_(gradient);
                           }}},
                         runs, count));
}

struct Weights {
    std::shared_ptr<Network> network;
    std::vector<WeightedLayer*> layers;
    std::vector<torch::Tensor> masters, gradients;
    double values = 0;
};

/// Convolutions and linear layers of a network, quantised per channel.
Weights weights_of(const std::string& architecture, RangeRule rule) {
    Weights weights;
    weights.network = build_network(architecture);
    {
        const torch::NoGradGuard no_grad;
        for (const auto& [name, layer] : weighted_layers(*weights.network)) layer->weight.normal_(0.0, 0.05);
    }
    QuantiserSettings settings;
    settings.preset = Preset::modern;
    settings.weight_range = rule;
    set_quantisers(*weights.network, {.weight = 8, .activation = 32}, settings);
    calibrate_weights(*weights.network);
    for (const auto& [name, layer] : weighted_layers(*weights.network)) {
        if (layer->kind == WeightedLayer::Kind::prelu) continue;
        weights.layers.push_back(layer);
        weights.masters.push_back(layer->weight);
        weights.gradients.push_back(torch::randn_like(layer->weight));
        weights.values += static_cast<double>(layer->weight.numel());
    }
    return weights;
}

/// All weights of a network: ranges per channel, quantised values, masks; then the gradients. Ours as training calls it, autograd
/// included; LibTorch's as bare operators.
void race_weights(Json& figures, const std::string& architecture, RangeRule rule, int runs) {
    Weights w = weights_of(architecture, rule);
    const bool learned = rule == RangeRule::learned;
    std::vector<torch::Tensor> scales, zeros, masks(w.masters.size()), outs(w.masters.size()), copies;
    for (const torch::Tensor& master : w.masters) {
        const torch::Tensor rows = master.detach().flatten(1);
        scales.push_back(rows.abs().amax(1) / 127.5);
        zeros.push_back(torch::zeros({rows.size(0)}, learned ? torch::kFloat : torch::kInt));
        copies.push_back(torch::empty_like(master));
    }
    const auto forward = [&w] {
        std::vector<torch::Tensor> used;
        for (WeightedLayer* layer : w.layers) used.push_back(layer->used_weight());
        return used;
    };
    const auto torch_forward = [&] {
        const torch::NoGradGuard no_grad;
        for (std::size_t i = 0; i < w.masters.size(); ++i) {
            if (!learned) (void)at::aminmax(w.masters[i].flatten(1), 1);
            if (learned)
                outs[i] = at::_fake_quantize_learnable_per_channel_affine(w.masters[i], scales[i], zeros[i], 0, -128, 127, 1.0);
            else
                std::tie(outs[i], masks[i]) =
                    at::fake_quantize_per_channel_affine_cachemask(w.masters[i], scales[i], zeros[i], 0, -128, 127);
        }
    };
    const auto torch_backward = [&] {
        const torch::NoGradGuard no_grad;
        for (std::size_t i = 0; i < w.masters.size(); ++i) {
            if (learned)
                (void)at::_fake_quantize_learnable_per_channel_affine_backward(w.gradients[i], w.masters[i], scales[i], zeros[i],
                                                                               0, -128, 127, 1.0);
            else
                (void)at::fake_quantize_per_channel_affine_cachemask_backward(w.gradients[i], masks[i]);
        }
    };
    const auto copy = [&](int times) {
        const torch::NoGradGuard no_grad;
        for (int t = 0; t < times; ++t)
            for (std::size_t i = 0; i < copies.size(); ++i) copies[i].copy_(w.masters[i]);
    };
    const std::string what = std::string("per channel") +
                             (learned                  ? ", learned step"
                              : rule == RangeRule::mse ? ", masked"
                                                       : "") +
                             ", weights of " + architecture;
    const std::string op = learned ? "_fake_quantize_learnable_per_channel_affine" : "aminmax + fake_quantize_per_channel_affine";
    report(figures,
           race(what + ", forward", {{"fairsweep", [&] { (void)forward(); }}, {op, torch_forward}, {"copy", [&] { copy(1); }}},
                runs, w.values));
    // What recording the gradient costs: a node of the graph for every layer.
    report(figures, race(what + ", forward, nothing recorded",
                         {{"fairsweep",
                           [&] {
                               const torch::NoGradGuard no_grad;
                               (void)forward();
                           }},
                          {op, torch_forward},
                          {"copy", [&] { copy(1); }}},
                         runs, w.values));
    report(figures, race(what + ", forward + backward",
                         {{"fairsweep", [&] { (void)torch::autograd::grad(forward(), w.masters, w.gradients); }},
                          {op + ", forward + backward",
                           [&] {
                               torch_forward();
                               torch_backward();
                           }},
                          {"two copies", [&] { copy(2); }}},
                         runs, w.values));
}

}  // namespace

int main(int argc, char** argv) {
    bool as_json = false;
    int runs = 31, threads = 2;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--json") {
            as_json = true;
        } else if (argument == "--runs" && i + 1 < argc) {
            runs = std::max(1, std::atoi(argv[++i]));
        } else if (argument == "--threads" && i + 1 < argc) {
            threads = std::max(1, std::atoi(argv[++i]));
        } else {
            std::fprintf(stderr, "usage: bench_fake_quant [--json] [--runs N] [--threads N]     defaults: 31 runs, 2 threads\n");
            return 2;
        }
    }
    keep_freed_memory();  // as fairsweep itself does
    at::set_num_threads(threads);
    std::fprintf(stderr, "%d threads, %s, LibTorch %s; medians\n", threads, available_loops().back().instruction_set,
                 TORCH_VERSION);
    torch::manual_seed(1);
    Json figures = Json::array();
    race_activation(figures, {16, 64, 112, 112}, runs);
    race_activation(figures, {16, 256, 14, 14}, 4 * runs);
    race_weights(figures, "iresnet18", RangeRule::minmax, runs);
    race_weights(figures, "iresnet18", RangeRule::mse, runs);  // stored steps: masks are kept
    race_weights(figures, "mobilefacenet", RangeRule::minmax, 4 * runs);
    race_weights(figures, "iresnet18", RangeRule::learned, runs);
    const Json all{{"bench", "fake_quant"},
                   {"threads", threads},
                   {"instruction_set", available_loops().back().instruction_set},
                   {"torch", TORCH_VERSION},
                   {"figures", figures}};
    if (as_json) std::printf("%s\n", all.dump().c_str());
    return 0;
}
