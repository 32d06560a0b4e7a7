#include "device/fake_quant_kernel.hpp"

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace fairsweep;
using Json = nlohmann::json;

namespace {

const Json& golden_quantiser() {
    static const Json golden = [] {
        std::ifstream file(std::string(FAIRSWEEP_SOURCE_DIR) + "/tests/golden/quantface/quantiser.json");
        return Json::parse(file);
    }();
    return golden;
}

std::vector<float> floats(const Json& values) {
    std::vector<float> out;
    for (const Json& value : values) out.push_back(static_cast<float>(value.get<double>()));  // 9 digits: exact
    return out;
}

/// A plain second implementation, value by value with std::nearbyint.
float quantise_plainly(float x, const QuantiserScale& s) {
    const float product = s.scale * x;
    const float code = std::min(std::max(std::nearbyint(product - s.zero_point), s.lowest), s.highest);
    return (code + s.zero_point) / s.scale;
}

}  // namespace

TEST_CASE("Scale, zero point, codes and output are the golden ones bit for bit") {
    std::size_t compared = 0;
    for (const Json& one : golden_quantiser().at("cases")) {
        for (const auto& [bits, expected] : one.at("bits").items()) {
            INFO(one.at("name").get<std::string>() << ", " << bits << " bits");
            const QuantiserScale scale =
                quantiser_scale(floats(expected.at("x_min"))[0], floats(expected.at("x_max"))[0], std::stoi(bits));
            CHECK(scale.scale == floats(expected.at("scale"))[0]);
            CHECK(scale.zero_point == floats(expected.at("zero_point"))[0]);
            const std::vector<float> input = floats(expected.contains("input") ? expected.at("input") : one.at("input"));
            const std::vector<float> codes = floats(expected.at("code")), output = floats(expected.at("output"));
            std::vector<float> found(input.size());
            REQUIRE(fake_quantise(input, found.data(), scale));
            REQUIRE(output.size() == input.size());
            for (std::size_t i = 0; i < input.size(); ++i) {
                CHECK(quantiser_code(input[i], scale) == codes[i]);
                CHECK(found[i] == output[i]);
                ++compared;
            }
        }
    }
    CHECK(compared > 500);
}

TEST_CASE("The vector loop equals a plain one at every length and width") {
    std::vector<float> input;
    for (int i = 0; i < 1003; ++i) input.push_back(3.0F * std::sin(static_cast<float>(i) * 0.37F) + 0.2F);
    input[5] = std::numeric_limits<float>::max();
    input[600] = -1e30F;
    for (int bits = 2; bits <= 16; ++bits) {
        const QuantiserScale scale = quantiser_scale(-1.7F, 2.9F, bits);
        for (const std::size_t length : {1U, 15U, 16U, 17U, 1003U}) {
            std::vector<float> found(length);
            REQUIRE(fake_quantise(std::span(input).first(length), found.data(), scale));
            std::size_t differing = 0;
            for (std::size_t i = 0; i < length; ++i) differing += found[i] == quantise_plainly(input[i], scale) ? 0 : 1;
            CHECK(differing == 0);
        }
    }
}

TEST_CASE("Minimum and maximum are found wherever they stand") {
    for (const std::size_t length : {1U, 7U, 16U, 33U, 64U}) {
        for (std::size_t at = 0; at < length; ++at) {
            std::vector<float> values(length, 0.25F);
            values[at] = -2.0F;
            CHECK(range_of(values).min == -2.0F);
            values[at] = 5.0F;
            CHECK(range_of(values).max == 5.0F);
        }
    }
}

TEST_CASE("One NaN or infinity anywhere is noticed") {
    const float infinity = std::numeric_limits<float>::infinity();
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity}) {
        for (const std::size_t at : {0U, 15U, 16U, 36U}) {
            std::vector<float> values(37, 0.5F), out(37);
            CHECK(range_of(values).is_finite);
            CHECK(fake_quantise(values, out.data(), quantiser_scale(-1.0F, 1.0F, 8)));
            values[at] = bad;
            CHECK_FALSE(range_of(values).is_finite);
            CHECK_FALSE(fake_quantise(values, out.data(), quantiser_scale(-1.0F, 1.0F, 8)));
        }
    }
}

TEST_CASE("Zero stays exactly zero whenever the range holds it") {
    for (int bits = 2; bits <= 16; ++bits) {
        for (int i = 0; i < 200; ++i) {
            const float low = -std::exp(0.1F * static_cast<float>(i % 50) - 3.0F),
                        high = std::exp(0.13F * static_cast<float>(i % 37) - 2.0F);
            for (const auto& [a, b] :
                 {std::pair{low, high}, std::pair{low, 0.0F}, std::pair{0.0F, high}, std::pair{0.0F, 0.0F}}) {
                const std::vector<float> zero(17, 0.0F);
                std::vector<float> out(17, 1.0F);
                REQUIRE(fake_quantise(zero, out.data(), quantiser_scale(a, b, bits)));
                CHECK((out[0] == 0.0F && out[16] == 0.0F));
            }
        }
    }
}
