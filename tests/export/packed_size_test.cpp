#include "export/packed_size.hpp"

#include <cmath>
#include <cstdint>

#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "export/export_description.hpp"
#include "support/catch.hpp"
#include "support/quantface_golden.hpp"

using namespace fairsweep;

namespace {

/// Counts and sizes of the five published networks (tables of parameters and of model sizes in the study's description).
struct Published {
    const char* architecture;
    std::uint64_t quantised, rest, buffers, slopes, slope_vectors, batch_norms, activations;
    double fp32_MB, w8_MB, w6_MB, w4_MB;
};
constexpr Published kPublished[] = {
    {"iresnet18", 24'008'384, 17'216, 14'751, 1'984, 9, 31, 17, 96.16, 24.14, 18.13, 12.13},
    {"iresnet34", 34'109'120, 30'208, 25'911, 3'840, 17, 55, 33, 136.66, 34.33, 25.81, 17.28},
    {"iresnet50", 43'546'304, 44'544, 38'223, 5'888, 25, 79, 49, 174.52, 43.88, 32.99, 22.10},
    {"iresnet100", 65'074'880, 81'280, 69'786, 11'136, 50, 154, 99, 260.90, 65.68, 49.41, 33.14},
    {"mobilefacenet", 976'000, 27'136, 19'634, 7'552, 33, 50, 45, 4.09, 1.16, 0.92, 0.68},
};

/// Rounded to two decimals, as the table prints it.
double in_MB(std::uint64_t bytes) { return std::round(static_cast<double>(bytes) / 1e4) / 100.0; }

std::uint64_t formula_bytes(const Published& network, std::uint64_t bits) {
    return network.quantised * bits / 8 + 4 * (network.rest + network.buffers);
}

/// Output channels of convolutions and linear layers, from the reference's own list of tensors.
std::uint64_t weight_channels(const std::string& architecture) {
    std::uint64_t channels = 0;
    const golden::Json models = golden::read("models.json");
    for (const auto& tensor : models.at("models").at(architecture).at("state_dict"))
        if (tensor.at(1).size() >= 2) channels += tensor.at(1).at(0).get<std::uint64_t>();
    return channels;
}

void quantise(Network& network, int bits) {
    set_quantisers(network, {bits, bits});
    auto ranges = activation_ranges(network);
    for (auto& range : ranges) range = {range.name, -1.0F, 1.0F};
    set_activation_ranges(network, ranges);
}

}  // namespace

TEST_CASE("Packed sizes of the published networks are the published formula plus what it leaves out") {
    for (const Published& published : kPublished) {
        const auto network = build_network(published.architecture);
        const PackedSize plain = packed_size(export_description(*network));
        INFO(published.architecture);
        CHECK(plain.range_bytes + plain.mask_bytes == 0);
        // The formula counts BatchNorm's batch counters, 4 bytes each; nothing needs them.
        CHECK(plain.total_bytes() == 4 * (published.quantised + published.rest + published.buffers - published.batch_norms));
        CHECK(in_MB(plain.total_bytes() + 4 * published.batch_norms) == Approx(published.fp32_MB));
        for (const auto& [bits, megabytes] : {std::pair{8, published.w8_MB}, {6, published.w6_MB}, {4, published.w4_MB}}) {
            INFO(bits << " bits");
            quantise(*network, bits);
            const std::uint64_t formula = formula_bytes(published, static_cast<std::uint64_t>(bits));
            CHECK(in_MB(formula) == Approx(megabytes));
            // Scale and zero point of every range are added, 8 bytes; slopes shrink from 4 bytes to their bits. In these networks
            // every tensor's bits fill whole bytes at 8, 6 and 4 bits.
            const std::uint64_t ranges =
                weight_channels(published.architecture) + published.slope_vectors + published.activations;
            const std::uint64_t slopes_saved = published.slopes * 4 - published.slopes * static_cast<std::uint64_t>(bits) / 8;
            CHECK(packed_size(export_description(*network)).total_bytes() ==
                  formula + 8 * ranges - slopes_saved - 4 * published.batch_norms);
        }
    }
}

TEST_CASE("The packed size is not the size in float32 times bits over 32") {
    const auto network = build_network("mobilefacenet");
    const std::uint64_t plain = packed_size(export_description(*network)).total_bytes();
    quantise(*network, 4);
    const PackedSize packed = packed_size(export_description(*network));
    CHECK(packed.total_bytes() > plain * 4 / 32 * 14 / 10);
    CHECK(packed.weight_bytes == 976'000 / 2);
    CHECK(packed.sparse_total_bytes() == packed.total_bytes());
}

TEST_CASE("Codes are rounded up to whole bytes once a tensor") {
    CHECK(packed_bytes(0, 3) == 0);
    CHECK(packed_bytes(1, 3) == 1);
    CHECK(packed_bytes(8, 3) == 3);
    CHECK(packed_bytes(9, 3) == 4);
    ExportedNetwork network;
    network.weights.push_back(
        {.layer = "linear",
         .kind = ExportedWeight::Kind::linear,
         .shape = {3, 3},
         .values = std::vector<float>(9),
         .quantiser = QuantiserDescription{.bits = 3, .per_channel = true, .ranges = {{}, {}, {}}, .steps = {}},
         .codes = std::vector<std::int32_t>(9),
         .pruned = {}});
    network.constants.push_back({"linear.bias", std::vector<float>(3)});
    const PackedSize size = packed_size(network);
    CHECK(size.weight_bytes == 4);  // 27 bits
    CHECK(size.range_bytes == 3 * 8);
    CHECK(size.float_bytes == 3 * 4);
}

TEST_CASE("A pruned layer costs its mask, and only its kept weights when stored sparsely") {
    const auto network = make_network("mobilefacenet-w16-56", 1);
    const std::uint64_t prunable = static_cast<std::uint64_t>(measured_sparsity(*network).prunable);
    const PackedSize plain = packed_size(export_description(*network));
    prune_by_magnitude(*network, 0.75);
    const PackedSize pruned = packed_size(export_description(*network));
    std::uint64_t masks = 0;
    for (const auto& [name, layer] : weighted_layers(*network))
        if (layer->weight_pruned.defined()) masks += packed_bytes(static_cast<std::uint64_t>(layer->weight.numel()), 1);
    CHECK(pruned.mask_bytes == masks);
    CHECK(pruned.total_bytes() == plain.total_bytes() + masks);
    const auto kept = prunable - static_cast<std::uint64_t>(std::llround(0.75 * static_cast<double>(prunable)));
    CHECK(pruned.sparse_total_bytes() == plain.total_bytes() - 4 * prunable + 4 * kept + masks);
    quantise(*network, 8);
    CHECK(packed_size(export_description(*network)).kept_weight_bytes == kept);
}

TEST_CASE("A range that was never calibrated has no size") {
    const auto network = make_network("mobilefacenet-w16-56", 1);
    set_quantisers(*network, {8, 8});
    CHECK_THROWS_WITH(packed_size(export_description(*network)), ContainsSubstring("conv1.prelu.output"));
}
