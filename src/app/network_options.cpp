#include "network_options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "fairsweep/error.hpp"
#include "job/values.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;

constexpr int kMaxBatch = 4096, kMaxThreads = 1024;

[[noreturn]] void refuse(const std::string& option, const std::string& found, const std::string& expected,
                         const std::string& hint = {}) {
    throw_usage({.attempted = "cannot use " + option, .found = found, .expected = expected, .hint = hint});
}

int in_range(const po::variables_map& values, const char* name, int high) {
    const int value = values[name].as<int>();
    if (value < 1 || value > high) refuse(std::string("--") + name, std::to_string(value), "1 to " + std::to_string(high));
    return value;
}

/// All cores, shared by the ranks of this machine.
int default_threads() {
    const char* text = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    const std::string_view word(text == nullptr ? "1" : text);
    int ranks = 1;
    std::from_chars(word.data(), word.data() + word.size(), ranks);
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / std::max(1, ranks));
}

}  // namespace

void add_network_options(po::options_description& description, bool with_flip) {
    description.add_options()("architecture", po::value<std::string>(),
                              "iresnet18|34|50|100, mobilefacenet, or a reduced one; a checkpoint of fairsweep says its own")(
        "weights", po::value<std::string>(),
        ".pth (a state_dict, alone or in a training checkpoint), .safetensors, or a checkpoint of fairsweep")(
        "bits", po::value<std::string>(), "the widths that the weights carry ranges for (a checkpoint's own by default)")(
        "precision", po::value<std::string>()->default_value("fp32"),
        "fp32, or bf16: faster where the processor has bfloat16 instructions; not for quantised networks")(
        "batch", po::value<int>()->default_value(NetworkOptions().batch_images), "images at a time")(
        "threads", po::value<int>()->default_value(default_threads()), "threads of each rank; may change the last bit");
    if (with_flip) description.add_options()("flip", "add the mirrored image's embedding");
}

NetworkOptions network_options(const po::variables_map& values) {
    if (values.count("weights") == 0) refuse("a network", "no --weights", "--architecture A --weights W");
    NetworkOptions options;
    if (values.count("architecture") != 0) options.architecture = values["architecture"].as<std::string>();
    options.weights = values["weights"].as<std::string>();
    const std::string precision = values["precision"].as<std::string>();
    if (precision != "fp32" && precision != "bf16") refuse("--precision", precision, "fp32 or bf16");
    options.precision = precision_of(precision);
    options.batch_images = in_range(values, "batch", kMaxBatch);
    options.threads = in_range(values, "threads", kMaxThreads);
    options.flip = values.count("flip") != 0;
    if (values.count("bits") != 0) {
        const std::string text = values["bits"].as<std::string>();
        options.bits = parse_bits(text);
        if (!options.bits) refuse("--bits", text, "widths 2 to 16 or 32: \"8\", \"w4a8\"");
    }
    return options;
}

void check_bits(const NetworkOptions& options, const FaceEmbedder& embedder) {
    if (!options.bits || *options.bits == embedder.bits()) return;
    const bool has_ranges = !embedder.bits().is_float();
    refuse("--bits " + options.bits->text(),
           has_ranges ? "ranges for " + embedder.bits().text() + " bits in the weights"
                      : "no activation ranges in the weights (" + embedder.kind() + ")",
           "weights that were calibrated at these widths",
           "quantise in a sweep (fairsweep run) and give the checkpoint of its point: it carries ranges and masks");
}

}  // namespace fairsweep
