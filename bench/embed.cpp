/// How many faces a second does a network embed, and how many times is that the speed of a plain float32 evaluation loop in
/// Python torch (bench/qat_step_race.py, `embed`)? Images are in memory on both sides. Rounds are interleaved.
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "fairsweep/process_memory.hpp"
#include "model/inference.hpp"
#include "op_shares.hpp"
#include "python_race.hpp"
#include "timing.hpp"

namespace fairsweep {
namespace {

struct Options {
    std::vector<std::string> architectures{"iresnet18", "mobilefacenet"};
    std::string python = FAIRSWEEP_RACE_PYTHON;
    int batch = 32, rounds = 7, threads = 2;
    bool race = true, json = false;
};

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

Figures measure(const std::string& architecture, const Options& options, PythonRace* python) {
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

void print_table(const Figures& f, const Options& o) {
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

nlohmann::json to_json(const Figures& f, const Options& o) {
    nlohmann::json json{{"architecture", f.architecture}, {"unit", "images/s"}, {"runs", o.rounds}};
    for (std::size_t i = 0; i < f.ours.size(); ++i) {
        nlohmann::json one{{"figure", o.batch / f.ours[i].seconds()}, {"shares", f.shares[i]}};
        if (f.python_s > 0) one["ratio"] = f.python_s / f.ours[i].seconds();
        json[f.ours[i].name] = one;
    }
    if (f.python_s > 0) json["raced"] = "bench/qat_step_race.py";
    return json;
}

Options parse(int count, char** words) {
    namespace po = boost::program_options;
    Options o;
    po::options_description known("bench_embed: faces a second, raced against a float32 evaluation loop in Python torch");
    known.add_options()("help", "this text")("json", "one JSON object on standard output")(
        "architecture", po::value(&o.architectures)->multitoken(), "networks (default iresnet18 mobilefacenet)")(
        "batch", po::value(&o.batch), "images at a time (default 32)")("rounds", po::value(&o.rounds),
                                                                       "interleaved rounds; the median counts (default 7)")(
        "threads", po::value(&o.threads), "threads (default 2)")("python", po::value(&o.python), "interpreter with torch")(
        "no-race", "do not start Python");
    po::variables_map values;
    po::store(po::parse_command_line(count, words, known), values);
    po::notify(values);
    if (values.count("help") != 0) {
        std::printf("%s", (std::ostringstream() << known).str().c_str());
        std::exit(0);
    }
    o.json = values.count("json") != 0;
    o.race = values.count("no-race") == 0;
    o.rounds = std::max(1, o.rounds);
    return o;
}

int run(const Options& options) {
    keep_freed_memory();  // as fairsweep itself does
    torch::set_num_threads(options.threads);
    std::unique_ptr<PythonRace> python;
    if (options.race) python = std::make_unique<PythonRace>(options.python, FAIRSWEEP_RACE_SCRIPT);
    nlohmann::json all{{"bench", "embed"}, {"batch", options.batch}, {"threads", options.threads}};
    if (python) {
        python->ask(fmt::format("threads {}", options.threads));
        all["opponent"] = python->ask("hello");
    }
    for (const std::string& architecture : options.architectures) {
        const Figures figures = measure(architecture, options, python.get());
        all["results"].push_back(to_json(figures, options));
        if (!options.json) print_table(figures, options);
    }
    if (options.json) fmt::print("{}\n", all.dump());
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
