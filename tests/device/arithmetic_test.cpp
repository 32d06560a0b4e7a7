// The arithmetic of one value, which GPUs use, against the loops over many.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "device/fake_quant_kernel.hpp"
#include "device/fake_quant_loops.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

/// Of every size, with both zeros, ties and values far outside.
std::vector<float> values() {
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0.1F, 1.0F);
    std::vector<float> out{0.0F, -0.0F, 1e30F, -1e30F, std::numeric_limits<float>::min(), std::numeric_limits<float>::denorm_min()};
    for (int i = -40; i <= 40; ++i) out.push_back(0.125F * static_cast<float>(i));
    while (out.size() < 5000) out.push_back(normal(random) * std::pow(10.0F, static_cast<float>(out.size() % 5) - 2.0F));
    return out;
}

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

}  // namespace

TEST_CASE("One value is quantised as by the loops, to the bit") {
    const std::vector<float> in = values();
    std::vector<float> out(in.size());
    std::size_t wrong = 0;
    for (int bits = 2; bits <= 16; ++bits) {
        const QuantiserScale scale = quantiser_scale(-1.3F, 2.1F, bits);
        REQUIRE(fake_quantise(in, out.data(), scale));
        for (std::size_t i = 0; i < in.size(); ++i) wrong += same_bits(out[i], arithmetic::quantised(in[i], scale)) ? 0 : 1;
        for (const StepGrid& grid : {symmetric_grid(-1.3F, 2.1F, bits), asymmetric_grid(-1.3F, 2.1F, bits), grid_of_step(0.25F, 1.0F, bits)}) {
            std::vector<std::uint16_t> kept(mask_words(in.size()));
            fake_quantise(in, out.data(), kept.data(), grid);
            for (std::size_t i = 0; i < in.size(); ++i) {
                const bool inside = (kept[i / 16] >> (i % 16) & 1U) != 0;
                const bool same = same_bits(out[i], arithmetic::quantised(in[i], grid)) && inside == arithmetic::stepped(in[i], grid).inside;
                wrong += same ? 0 : 1;
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("One value's part of a learned step's gradient is the loops'") {
    const std::vector<float> in = values();
    for (const int bits : {2, 4, 8}) {
        const StepGrid grid = grid_of_step(0.11F, 1.0F, bits);
        std::size_t wrong = 0;
        for (const float x : in) {
            const float upstream = 0.37F;
            float out = 0.0F;
            const LearnedSums sums = learned_gradient(std::span(&x, 1), &upstream, &out, grid);
            const arithmetic::Stepped result = arithmetic::stepped(x, grid);
            const auto term = static_cast<double>(arithmetic::learned_term(result, upstream));
            wrong += sums.step_gradient == term && out == (result.inside ? upstream : 0.0F) ? 0 : 1;
        }
        CHECK(wrong == 0);
    }
}
