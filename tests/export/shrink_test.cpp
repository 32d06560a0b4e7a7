// Channels cut out of a description: the same numbers as a network that was cut, and the codes of one that is quantised.
#include "export/shrink.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "export/export_description.hpp"
#include "export/export_point.hpp"
#include "export/packed_size.hpp"
#include "fairsweep/error.hpp"
#include "networks.hpp"
#include "study/checkpoint.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

constexpr std::array kArchitectures{"iresnet10-w16-56", "iresnet10-w16-56-se", "mobilefacenet-w16-56"};
constexpr double kShare = 0.5;

std::shared_ptr<Network> with_masked_channels(const char* architecture, Bits bits, const QuantiserSettings& settings = {}) {
    return test::compressed_network(architecture, bits, kShare, settings, test::kChannels);
}

}  // namespace

TEST_CASE("A shrunk description is the description of the shrunk network") {
    for (const char* architecture : kArchitectures) {
        INFO(architecture);
        const auto network = with_masked_channels(architecture, {32, 32});
        const auto kept = kept_channels(*network);
        REQUIRE(can_shrink(kept));
        const ExportedNetwork found = shrink(export_description(*network), kept);
        const ExportedNetwork expected = export_description(*shrink_channels(*network));
        REQUIRE(found.weights.size() == expected.weights.size());
        for (std::size_t i = 0; i < found.weights.size(); ++i) {
            const ExportedWeight &a = found.weights[i], &b = expected.weights[i];
            INFO(a.layer);
            CHECK(a.layer == b.layer);
            CHECK(a.shape == b.shape);
            CHECK(a.groups == b.groups);
            CHECK(a.values == b.values);
            CHECK(a.pruned.empty());
        }
        REQUIRE(found.constants.size() == expected.constants.size());
        for (std::size_t i = 0; i < found.constants.size(); ++i) {
            INFO(found.constants[i].name);
            CHECK(found.constants[i].name == expected.constants[i].name);
            CHECK(found.constants[i].values == expected.constants[i].values);
        }
        CHECK(packed_size(found).total_bytes() < packed_size(export_description(*network)).total_bytes() / 2);
    }
}

TEST_CASE("Steps of preset modern go with their channels") {
    QuantiserSettings modern;
    modern.preset = Preset::modern;
    for (const char* architecture : kArchitectures) {
        INFO(architecture);
        const auto network = with_masked_channels(architecture, {4, 8}, modern);
        for (const ExportedWeight& weight : shrink(export_description(*network), kept_channels(*network)).weights) {
            INFO(weight.layer);
            REQUIRE(weight.quantiser);
            REQUIRE(weight.quantiser->steps.size() == weight.quantiser->ranges.size());
            for (std::size_t i = 0; i < weight.values.size(); ++i) {
                const std::size_t row = weight.range_of(i);
                REQUIRE(weight.values[i] == (static_cast<float>(weight.codes[i]) + weight.quantiser->ranges[row].zero_point) *
                                                weight.quantiser->steps[row]);
            }
        }
    }
}

TEST_CASE("Codes and ranges of a quantised network go with their channels") {
    for (const char* architecture : kArchitectures) {
        INFO(architecture);
        const auto network = with_masked_channels(architecture, {4, 4});
        const ExportedNetwork found = shrink(export_description(*network), kept_channels(*network));
        CHECK(found.activations.size() == activation_points(*network).size());
        for (const ExportedWeight& weight : found.weights) {
            INFO(weight.layer);
            REQUIRE(weight.quantiser);
            REQUIRE(weight.codes.size() == weight.values.size());
            REQUIRE(weight.quantiser->ranges.size() ==
                    (weight.quantiser->per_channel ? static_cast<std::size_t>(weight.shape[0]) : 1U));
            for (std::size_t i = 0; i < weight.values.size(); ++i) {
                const QuantiserScale& range = weight.quantiser->ranges[weight.range_of(i)];
                REQUIRE(weight.values[i] == (static_cast<float>(weight.codes[i]) + range.zero_point) / range.scale);
            }
        }
    }
}

TEST_CASE("Shrinking is refused where nothing can be cut out, and for plain safetensors") {
    const torch::NoGradGuard no_grad;
    const NetworkDescription description{"mobilefacenet-w16-56", {32, 32}, kShare, {}};
    (void)write_checkpoint("masked.ckpt", *with_masked_channels("mobilefacenet-w16-56", {32, 32}), description, {});
    (void)write_checkpoint("weights.ckpt", *test::compressed_network("mobilefacenet-w16-56", {32, 32}, kShare), description, {});
    const SafetensorsFile masked("masked.ckpt"), weights("weights.ckpt");
    CHECK_THROWS_AS(export_checkpoint(weights, ExportFormat::onnx, "out", {}, true), Error);
    CHECK_THROWS_AS(export_checkpoint(masked, ExportFormat::safetensors, "out", {}, true), Error);
    CHECK_FALSE(std::filesystem::exists("out"));
    const ExportSummary small = export_checkpoint(masked, ExportFormat::onnx, "small.onnx", {}, true);
    const ExportSummary large = export_checkpoint(masked, ExportFormat::onnx, "large.onnx", {});
    CHECK(small.packed_bytes < large.packed_bytes / 2);
    CHECK(small.file_bytes < large.file_bytes / 2);
}
