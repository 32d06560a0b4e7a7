/// How much faster is a network whose channels were cut out than the same network with the channels masked? Both run in
/// turns in one process; the median of the ratios of neighbouring runs is the answer, since times of a shared machine are not.
///   bench_channel_latency [--json] [--runs N] [ARCHITECTURE...]
#include <torch/torch.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "compress/channel_pruning.hpp"
#include "compress/pruning.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/process_memory.hpp"
#include "model/inference.hpp"
#include "model/network_cost.hpp"
#include "timing.hpp"

namespace {

using namespace fairsweep;

constexpr int kBatch = 8;
constexpr int kThreads = 2;

nlohmann::json race(const std::string& architecture, double share, int runs) {
    const auto masked = make_network(architecture, 1);
    prune_by_magnitude(*masked, share, {.pattern = PruningRule::Pattern::channels, .per_layer = true});
    const auto cut = shrink_channels(*masked);
    const NetworkCost before = network_cost(*masked), after = network_cost(*cut);
    prepare_for_inference(*masked, Precision::fp32);
    prepare_for_inference(*cut, Precision::fp32);
    const int side = masked->input_size();
    const torch::Tensor images = torch::rand({kBatch, 3, side, side}).contiguous(torch::MemoryFormat::ChannelsLast);
    std::vector<double> masked_s, cut_s, ratios;
    for (int run = -2; run < runs; ++run) {  // the first two warm up
        const double a = seconds_of([&] { static_cast<void>(masked->forward(images)); });
        const double b = seconds_of([&] { static_cast<void>(cut->forward(images)); });
        if (run < 0) continue;
        masked_s.push_back(a);
        cut_s.push_back(b);
        ratios.push_back(a / b);
    }
    return {{"architecture", architecture},
            {"channels_removed", share},
            {"parameters_ratio", static_cast<double>(after.parameters) / static_cast<double>(before.parameters)},
            {"macs_ratio", static_cast<double>(after.macs) / static_cast<double>(before.macs)},
            {"latency_ms", 1e3 * median(cut_s)},
            {"masked_latency_ms", 1e3 * median(masked_s)},
            {"speedup", median(ratios)}};
}

}  // namespace

int main(int argc, char** argv) {
    bool json = false;
    int runs = 15;
    std::vector<std::string> architectures;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--json") {
            json = true;
        } else if (word == "--runs" && i + 1 < argc) {
            runs = std::max(1, std::atoi(argv[++i]));
        } else {
            architectures.push_back(word);
        }
    }
    if (architectures.empty()) architectures = {"iresnet18", "mobilefacenet"};
    try {
        keep_freed_memory();  // as fairsweep itself does
        const torch::InferenceMode no_gradients;
        torch::set_num_threads(kThreads);
        nlohmann::json results = nlohmann::json::array();
        for (const std::string& architecture : architectures)
            for (const double share : {0.25, 0.5, 0.75}) results.push_back(race(architecture, share, runs));
        if (json) {
            std::cout << nlohmann::json{{"figure", "speedup of removed over masked channels"},
                                        {"unit", "ratio"},
                                        {"runs", runs},
                                        {"batch", kBatch},
                                        {"threads", kThreads},
                                        {"results", results}}
                             .dump(2)
                      << "\n";
            return 0;
        }
        for (const nlohmann::json& r : results)
            std::printf(
                "%-13s %2.0f %% of the channels removed: %2.0f %% of the parameters, %2.0f %% of the MACs, %6.1f ms for %d "
                "images, "
                "%.2f times as fast as masked\n",
                r["architecture"].get<std::string>().c_str(), 100 * r["channels_removed"].get<double>(),
                100 * r["parameters_ratio"].get<double>(), 100 * r["macs_ratio"].get<double>(), r["latency_ms"].get<double>(),
                kBatch, r["speedup"].get<double>());
    } catch (const fairsweep::Error& error) {
        std::cerr << error.what() << "\n";
        return 2;
    }
    return 0;
}
