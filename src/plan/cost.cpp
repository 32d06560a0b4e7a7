#include "plan/cost.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "fairsweep/error.hpp"
#include "words/architecture.hpp"

namespace fairsweep {
namespace {

constexpr double kSeReduction = 16;

struct Rate {
    double overhead_s;  // per image of a training step
    double s_per_mac;
};

Rate rate_of(NetworkFamily family) { return family == NetworkFamily::iresnet ? Rate{1.0e-3, 6.4e-11} : Rate{0.4e-3, 3.2e-10}; }

/// Adds layers one after another while the picture shrinks.
struct Counter {
    NetworkSize size;
    double side = 0;

    void convolution(double kernel, double in, double out, int stride) {
        side = stride == 1 ? side : static_cast<double>((static_cast<int>(side) + 1) / 2);
        const double weights = kernel * kernel * in * out;
        size.weights += weights;
        size.macs += weights * side * side;
    }
    void depthwise(double kernel, double channels, int stride) { convolution(kernel, 1, channels, stride); }
    void linear(double in, double out) {
        size.weights += in * out;
        size.macs += in * out;
    }
    /// MobileFaceNet's unit: 1x1 to the expanded width, 3x3 depthwise, 1x1 back.
    void bottleneck(double in, double out, double expanded, int stride) {
        convolution(1, in, expanded, 1);
        depthwise(3, expanded, stride);
        convolution(1, expanded, out, 1);
    }
};

NetworkSize iresnet_size(const Architecture& name) {
    Counter counter{{}, static_cast<double>(name.input_size)};
    double in = name.width;
    counter.convolution(3, 3, in, name.stem_stride);
    for (int stage = 0; const int blocks : name.stage_blocks) {
        const double out = static_cast<double>(name.width << stage++);
        for (int block = 0; block < blocks; ++block) {
            counter.convolution(3, in, out, 1);
            counter.convolution(3, out, out, block == 0 ? 2 : 1);
            if (block == 0) counter.convolution(1, in, out, 1);  // the projection: stride 2 from the side before, so this side
            if (name.use_se) {                                   // two 1x1 convolutions on one pixel
                counter.linear(out, out / kSeReduction);
                counter.linear(out / kSeReduction, out);
            }
            in = out;
        }
    }
    counter.size.family = name.family;
    counter.size.embedding_size = name.embedding_size;
    counter.linear(in * counter.side * counter.side, counter.size.embedding_size);
    return counter.size;
}

NetworkSize mobilefacenet_size(const Architecture& name) {
    Counter counter{{}, static_cast<double>(name.input_size)};
    const double w = name.width;
    const std::array<int, 4>& repeats = name.stage_blocks;
    counter.convolution(3, 3, w, 2);
    counter.depthwise(3, w, 1);
    counter.bottleneck(w, w, 2 * w, 2);
    for (int i = 0; i < repeats[0]; ++i) counter.bottleneck(w, w, 2 * w, 1);
    counter.bottleneck(w, 2 * w, 4 * w, 2);
    for (int i = 0; i < repeats[1]; ++i) counter.bottleneck(2 * w, 2 * w, 4 * w, 1);
    counter.bottleneck(2 * w, 2 * w, 8 * w, 2);
    for (int i = 0; i < repeats[2]; ++i) counter.bottleneck(2 * w, 2 * w, 4 * w, 1);
    counter.convolution(1, 2 * w, 8 * w, 1);
    const double kernel = counter.side;  // the global depthwise convolution leaves one pixel
    counter.side = 1;
    counter.depthwise(kernel, 8 * w, 1);
    counter.size.family = name.family;
    counter.size.embedding_size = name.embedding_size;
    counter.linear(8 * w, counter.size.embedding_size);
    return counter.size;
}

}  // namespace

double training_image_s(const std::string& architecture) {
    const NetworkSize size = network_size(architecture);
    const Rate rate = rate_of(size.family);
    return rate.overhead_s + rate.s_per_mac * size.macs;
}

NetworkSize network_size(const std::string& architecture) {
    // Asked for with every stage of a plan, and a plan has few networks.
    thread_local std::unordered_map<std::string, NetworkSize> known;
    const auto found = known.find(architecture);
    if (found != known.end()) return found->second;
    const Architecture name = parse_architecture(architecture);
    return known[architecture] = name.family == NetworkFamily::iresnet ? iresnet_size(name) : mobilefacenet_size(name);
}

std::uint64_t assumed_images(const std::string& data_name, bool is_evaluation) {
    struct Known {
        const char* name;
        std::uint64_t images;
    };
    static constexpr Known kKnown[] = {
        {"ms1mv2", 5822653}, {"bupt-balanced", 1251430}, {"bupt-global", 2054800}, {"synthetic", 528227}, {"rfw", 40607}};
    for (const Known& known : kKnown) {
        if (data_name == known.name) return known.images;
    }
    return is_evaluation ? 40000 : 500000;
}

}  // namespace fairsweep
