/// How many faces a second does a network embed, and how many times is that the speed of a plain float32 evaluation loop in
/// Python torch (bench/qat_step_race.py, `embed`)? Images are in memory on both sides. Rounds are interleaved.
#include <fmt/format.h>
#include <torch/torch.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "model/inference.hpp"
#include "op_shares.hpp"
#include "race_options.hpp"
#include "timing.hpp"

namespace fairsweep {
namespace {

struct Contender {
    std::string name;
    std::shared_ptr<Network> network;
    std::vector<double> times_s{};
    [[nodiscard]] double seconds() const { return median(times_s); }
};

struct Figures {
    std::string architecture;
    std::vector<Contender> ours;
    double python_s = 0;
    std::vector<OpShares> shares;
};

std::shared_ptr<Network> ready(const std::string& architecture, Precision precision) {
    auto network = make_network(architecture, 1);
    prepare_for_inference(*network, precision);
    return network;
}

Figures measure(const std::string& architecture, const RaceOptions& options, PythonRace* python) {
    const torch::InferenceMode no_gradients;
    Figures figures{.architecture = architecture,
                    .ours = {{"fp32", ready(architecture, Precision::fp32)}, {"bf16", ready(architecture, Precision::bf16)}},
                    .python_s = 0,
                    .shares = {}};
    const int side = figures.ours.front().network->input_size();
    const torch::Tensor images =
        torch::rand({options.batch, 3, side, side}).mul_(2).sub_(1).contiguous(torch::MemoryFormat::ChannelsLast);
    if (python != nullptr) {
        python->ask(fmt::format("load {} {} 32", architecture, options.batch));
        python->ask("embed 1");
    }
    for (const Contender& one : figures.ours) (void)one.network->forward(images);
    std::vector<double> python_s;
    for (int round = 0; round < options.rounds; ++round) {
        if (python != nullptr) python_s.push_back(python->ask("embed 1").at("seconds"));
        for (Contender& one : figures.ours) one.times_s.push_back(seconds_of([&] { (void)one.network->forward(images); }));
    }
    if (python != nullptr) figures.python_s = median(python_s);
    for (const Contender& one : figures.ours) figures.shares.push_back(op_shares([&] { (void)one.network->forward(images); }));
    return figures;
}

void print_table(const Figures& f, const RaceOptions& o) {
    fmt::print("{}, batch {}, {} threads:", f.architecture, o.batch, o.threads);
    if (f.python_s > 0) fmt::print(" Python torch {:.1f} images/s", o.batch / f.python_s);
    fmt::print("\n");
    for (std::size_t i = 0; i < f.ours.size(); ++i) {
        const double seconds = f.ours[i].seconds();
        fmt::print("  {} {:.1f} images/s", f.ours[i].name, o.batch / seconds);
        if (f.python_s > 0) fmt::print(", {:.2f} times", f.python_s / seconds);
        fmt::print("; shares:");
        for (const auto& [name, share] : f.shares[i]) fmt::print(" {} {:.0f} %", name, 100 * share);
        fmt::print("\n");
    }
}

nlohmann::json to_json(const Figures& f, const RaceOptions& o) {
    nlohmann::json json{{"architecture", f.architecture}, {"unit", "images/s"}, {"runs", o.rounds}};
    for (std::size_t i = 0; i < f.ours.size(); ++i) {
        nlohmann::json one{{"figure", o.batch / f.ours[i].seconds()}, {"shares", f.shares[i]}};
        if (f.python_s > 0) one["ratio"] = f.python_s / f.ours[i].seconds();
        json[f.ours[i].name] = one;
    }
    if (f.python_s > 0) json["raced"] = "bench/qat_step_race.py";
    return json;
}

RaceOptions parse(int count, char** words) {
    RaceOptions options;
    options.python = FAIRSWEEP_RACE_PYTHON;
    options.batch = 32;
    options.rounds = 7;
    parse_race_options(count, words, "bench_embed: faces a second, raced against a float32 evaluation loop in Python torch", {},
                       options);
    return options;
}

int run(const RaceOptions& options) {
    Race race(options, FAIRSWEEP_RACE_SCRIPT, "embed");
    run_race(race, options, measure, print_table, to_json);
    return 0;
}

}  // namespace
}  // namespace fairsweep

int main(int count, char** words) {
    try {
        return fairsweep::run(fairsweep::parse(count, words));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_embed: %s\n", error.what());
        return 2;
    }
}
