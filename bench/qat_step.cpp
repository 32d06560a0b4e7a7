/// How many images a second does a quantisation-aware training step take, and how many times is that the speed of the same
/// step in Python torch (bench/qat_step_race.py)? Teacher embeddings are cached on both sides. Rounds are interleaved.
#include <fmt/format.h>
#include <torch/torch.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "compress/distillation.hpp"
#include "compress/quantisation.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/process_memory.hpp"
#include "model/network.hpp"
#include "op_shares.hpp"
#include "race_options.hpp"
#include "study/tensors.hpp"
#include "study/training.hpp"
#include "timing.hpp"

namespace fairsweep {
namespace {

struct Options : RaceOptions {
    int bits = 8;
};

/// One network in training, as the compression stage trains it.
class Trainer {
public:
    Trainer(const std::string& architecture, int batch, int bits, Precision precision)
        : network_(make_network(architecture, 1)), optimiser_(prepared(*network_, bits, precision), {}, recipe_, 0.01) {
        images_ = torch::rand({batch, 3, network_->input_size(), network_->input_size()})
                      .mul_(2)
                      .sub_(1)
                      .contiguous(torch::MemoryFormat::ChannelsLast);
        teacher_ = torch::nn::functional::normalize(torch::randn({batch, network_->embedding_size()}));
    }

    void step() {
        network_->set_dropout(recipe_.dropout, ++steps_);
        const torch::Tensor loss = embedding_loss(network_->forward(images_), teacher_, 1.0);
        if (!std::isfinite(optimiser_.step(loss))) throw std::runtime_error("the loss is not finite");
    }

private:
    static Network& prepared(Network& network, int bits, Precision precision) {
        set_quantisers(network, Bits{bits, bits});
        set_precision(network, precision);
        network.train();
        return network;
    }

    Recipe recipe_{};
    std::shared_ptr<Network> network_;
    Optimiser optimiser_;
    torch::Tensor images_, teacher_;
    std::uint64_t steps_ = 0;
};

struct Figures {
    std::string architecture;
    double quantised_s = 0, bf16_s = 0, plain_s = 0, python_s = 0;
    OpShares shares, bf16_shares;
    double peak_memory_gib = 0;
};

Figures measure(const std::string& architecture, const Options& options, PythonRace* python) {
    Trainer quantised(architecture, options.batch, options.bits, Precision::fp32);
    Trainer bf16(architecture, options.batch, options.bits, Precision::bf16);
    Trainer plain(architecture, options.batch, 32, Precision::fp32);
    if (python != nullptr) {
        python->ask(fmt::format("load {} {} {}", architecture, options.batch, options.bits));
        python->ask("step 1");
    }
    quantised.step();
    bf16.step();
    plain.step();
    std::vector<double> quantised_s, bf16_s, plain_s, python_s;
    for (int round = 0; round < options.rounds; ++round) {
        if (python != nullptr) python_s.push_back(python->ask("step 1").at("seconds"));
        quantised_s.push_back(seconds_of([&] { quantised.step(); }));
        bf16_s.push_back(seconds_of([&] { bf16.step(); }));
        plain_s.push_back(seconds_of([&] { plain.step(); }));
    }
    Figures figures;
    figures.architecture = architecture;
    figures.quantised_s = median(quantised_s);
    figures.bf16_s = median(bf16_s);
    figures.plain_s = median(plain_s);
    if (python != nullptr) figures.python_s = median(python_s);
    figures.shares = op_shares([&] { quantised.step(); });
    figures.bf16_shares = op_shares([&] { bf16.step(); });
    figures.peak_memory_gib = static_cast<double>(peak_memory_bytes()) / (1 << 30);
    return figures;
}

void print_table(const Figures& f, const Options& o) {
    const auto speed = [&](double seconds) { return o.batch / seconds; };
    fmt::print("{} at {} bits, batch {}, {} threads: fp32 {:.2f} images/s, bf16 {:.2f}; without quantisation, fp32 {:.2f}\n",
               f.architecture, o.bits, o.batch, o.threads, speed(f.quantised_s), speed(f.bf16_s), speed(f.plain_s));
    if (f.python_s > 0)
        fmt::print("  Python torch: {:.2f} images/s; ratios: fp32 {:.2f}, bf16 {:.2f}\n", speed(f.python_s),
                   f.python_s / f.quantised_s, f.python_s / f.bf16_s);
    for (const auto& [precision, shares] : {std::pair("fp32", f.shares), std::pair("bf16", f.bf16_shares)}) {
        fmt::print("  shares of a step in {}:", precision);
        for (const auto& [name, share] : shares) fmt::print(" {} {:.0f} %", name, 100 * share);
        fmt::print("\n");
    }
    fmt::print("  peak memory so far {:.2f} GiB\n", f.peak_memory_gib);
}

nlohmann::json to_json(const Figures& f, const Options& o) {
    nlohmann::json json{{"figure", o.batch / f.quantised_s},
                        {"unit", "images/s"},
                        {"architecture", f.architecture},
                        {"bf16", o.batch / f.bf16_s},
                        {"without_quantisation", o.batch / f.plain_s},
                        {"shares", f.shares},
                        {"bf16_shares", f.bf16_shares},
                        {"peak_memory_gib", f.peak_memory_gib},
                        {"runs", o.rounds}};
    if (f.python_s > 0) {
        json["raced"] = "bench/qat_step_race.py";
        json["ratio"] = f.python_s / f.quantised_s;
        json["bf16_ratio"] = f.python_s / f.bf16_s;
    }
    return json;
}

Options parse(int count, char** words) {
    Options options;
    options.python = FAIRSWEEP_RACE_PYTHON;
    boost::program_options::options_description more;
    more.add_options()("bits", boost::program_options::value(&options.bits)->default_value(options.bits), "width");
    parse_race_options(count, words,
                       "bench_qat_step: images a second of a quantisation-aware training step, raced against Python torch", more,
                       options);
    return options;
}

int run(const Options& options) {
    Race race(options, FAIRSWEEP_RACE_SCRIPT, "qat_step");
    race.all["bits"] = options.bits;
    run_race(race, options, measure, print_table, to_json);
    return 0;
}

}  // namespace
}  // namespace fairsweep

int main(int count, char** words) {
    try {
        return fairsweep::run(fairsweep::parse(count, words));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_qat_step: %s\n", error.what());
        return 2;
    }
}
