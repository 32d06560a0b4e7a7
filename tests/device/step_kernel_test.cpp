// The loops of preset "modern" on every instruction set of this machine, against plain code.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "device/fake_quant_kernel.hpp"
#include "device/fake_quant_loops.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

std::vector<float> values(std::size_t count, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.3F, 1.0F);
    std::vector<float> out(count);
    for (float& x : out) x = normal(random);
    return out;
}

/// One value by the formulas of torch.fake_quantize_per_tensor_affine.
struct Plain {
    float out, code;
    bool inside;
};
Plain plainly(float x, const StepGrid& g) {
    const float inverse = 1.0F / g.step;
    const float code = g.zero_point + std::nearbyint(x * inverse);
    const float clamped = std::min(std::max(code, g.lowest), g.highest);
    return {(clamped - g.zero_point) * g.step, code, code >= g.lowest && code <= g.highest};
}

bool bit(const std::vector<std::uint16_t>& words, std::size_t i) { return ((words[i / 16] >> (i % 16)) & 1U) != 0; }

const std::vector<std::size_t> kLengths{1, 2, 9, 15, 16, 17, 27, 64, 4095, 4097, 10001};

}  // namespace

TEST_CASE("Every instruction set quantises, masks and observes as plain code does, at every length and width") {
    REQUIRE_FALSE(available_loops().empty());
    for (const FakeQuantLoops& loops : available_loops()) {
        for (const std::size_t length : kLengths) {
            const std::vector<float> in = values(length);
            for (int bits = 2; bits <= 16; bits += length > 100 ? 7 : 1) {
                for (const StepGrid& grid : {symmetric_grid(-0.9F, 1.1F, bits), asymmetric_grid(-0.4F, 1.9F, bits)}) {
                    INFO(loops.instruction_set << ", " << length << " values, " << bits << " bits");
                    std::vector<float> out(length);
                    std::vector<std::uint16_t> kept(mask_words(length), 0xffff);
                    const ValueRange range = loops.quantise_stepped(in.data(), out.data(), kept.data(), length, grid);
                    std::size_t wrong = 0;
                    for (std::size_t i = 0; i < length; ++i) {
                        const Plain expected = plainly(in[i], grid);
                        if (out[i] != expected.out || bit(kept, i) != expected.inside) ++wrong;
                    }
                    CHECK(wrong == 0);
                    CHECK(range.min == *std::min_element(in.begin(), in.end()));
                    CHECK(range.max == *std::max_element(in.begin(), in.end()));
                    CHECK(range.is_finite);
                    for (std::size_t i = length; i < 16 * kept.size(); ++i) CHECK_FALSE(bit(kept, i));  // no stray bits
                    std::vector<float> in_place = in;
                    (void)loops.quantise_stepped(in_place.data(), in_place.data(), nullptr, length, grid);
                    CHECK(in_place == out);
                }
            }
        }
    }
}

TEST_CASE("Every instruction set agrees to the bit in all loops") {
    const auto all = available_loops();
    const StepGrid grid = asymmetric_grid(-0.7F, 1.2F, 4);
    const QuantiserScale scale = quantiser_scale(-0.7F, 1.2F, 4);
    for (const std::size_t length : kLengths) {
        const std::vector<float> in = values(length), gradient = values(length, 2);
        std::vector<float> first_scaled(length), first_learned(length);
        (void)all[0].quantise_scaled(in.data(), first_scaled.data(), length, scale);
        const LearnedSums first_step = all[0].learned_gradient(in.data(), gradient.data(), first_learned.data(), length, grid);
        const double first_error = all[0].squared_error(in.data(), length, grid);
        for (const FakeQuantLoops& loops : all) {
            INFO(loops.instruction_set << ", " << length << " values");
            std::vector<float> out(length);
            CHECK(loops.quantise_scaled(in.data(), out.data(), length, scale));
            CHECK(out == first_scaled);
            const LearnedSums sums = loops.learned_gradient(in.data(), gradient.data(), out.data(), length, grid);
            CHECK((sums.step_gradient == first_step.step_gradient && sums.magnitude == first_step.magnitude));
            CHECK(out == first_learned);
            CHECK(loops.squared_error(in.data(), length, grid) == first_error);
            CHECK(loops.range(in.data(), length).max == *std::max_element(in.begin(), in.end()));
        }
    }
}

TEST_CASE("The masked gradient keeps what the bits say") {
    for (const FakeQuantLoops& loops : available_loops()) {
        for (const std::size_t length : kLengths) {
            INFO(loops.instruction_set << ", " << length << " values");
            const std::vector<float> in = values(length), gradient = values(length, 3);
            const StepGrid grid = symmetric_grid(-0.5F, 0.5F, 8);
            std::vector<float> out(length);
            std::vector<std::uint16_t> kept(mask_words(length));
            (void)loops.quantise_stepped(in.data(), out.data(), kept.data(), length, grid);
            loops.masked_gradient(gradient.data(), kept.data(), out.data(), length);
            std::size_t wrong = 0, passed = 0;
            for (std::size_t i = 0; i < length; ++i) {
                const bool inside = plainly(in[i], grid).inside;
                passed += inside ? 1 : 0;
                if (out[i] != (inside ? gradient[i] : 0.0F)) ++wrong;
            }
            CHECK(wrong == 0);
            if (length > 100) CHECK((passed > 0 && passed < length));
        }
    }
}

TEST_CASE("The learned step's gradient is the sum of its formula") {
    for (const int bits : {2, 4, 8}) {
        for (const std::size_t length : kLengths) {
            INFO(length << " values, " << bits << " bits");
            const std::vector<float> in = values(length), gradient = values(length, 4);
            const StepGrid grid = asymmetric_grid(-0.4F, 1.1F, bits);
            std::vector<float> out(length);
            const LearnedSums sums = learned_gradient(in, gradient.data(), out.data(), grid);
            const double found = sums.step_gradient;
            double expected = 0.0, magnitude = 0.0, rounding = 0.0;
            for (std::size_t i = 0; i < length; ++i) {
                const Plain one = plainly(in[i], grid);
                const double v = static_cast<double>(in[i]) / static_cast<double>(grid.step);
                const double r = static_cast<double>(one.code) - static_cast<double>(grid.zero_point);
                const double term = one.inside               ? r - v
                                    : one.code < grid.lowest ? static_cast<double>(grid.lowest - grid.zero_point)
                                                             : static_cast<double>(grid.highest - grid.zero_point);
                expected += static_cast<double>(gradient[i]) * term;
                magnitude += std::abs(static_cast<double>(gradient[i]) * term);
                rounding += std::abs(static_cast<double>(gradient[i])) * std::ldexp(1.0, bits - 23);
                CHECK(out[i] == (one.inside ? gradient[i] : 0.0F));
            }
            // float32: v, up to 2^bits, has a rounding error of 2^-24 of it, and so have the sums of up to 256 terms a lane.
            CHECK(std::abs(found - expected) <= 1e-5 * magnitude + rounding);
        }
    }
}

TEST_CASE("The learned quantiser's golden row") {
    // metrics-and-statistics.md section 7.1: torch._fake_quantize_learnable_per_tensor_affine, s = .5, codes -4 ... 3.
    const std::vector<float> x{-3.0F, -1.2F, -0.26F, 0.0F, 0.25F, 0.49F, 0.51F, 1.75F, 1.76F, 9.0F};
    const std::vector<float> y{-2.0F, -1.0F, -0.5F, 0.0F, 0.0F, 0.5F, 0.5F, 1.5F, 1.5F, 1.5F}, ones(x.size(), 1.0F);
    const std::vector<float> dx{0, 1, 1, 1, 1, 1, 1, 0, 0, 0};
    const StepGrid grid = grid_of_step(0.5F, 0.0F, 3);
    std::vector<float> out(x.size());
    (void)fake_quantise(x, out.data(), nullptr, grid);
    CHECK(out == y);
    const LearnedSums sums = learned_gradient(x, ones.data(), out.data(), grid);
    CHECK(sums.step_gradient == Approx(4.42).epsilon(1e-6));
    CHECK(sums.magnitude == Approx(18.22).epsilon(1e-6));
    CHECK(out == dx);
}

TEST_CASE("Ties round to even before the zero point is added, for odd zero points too") {
    const std::vector<float> ties{0.5F, 1.5F, 2.5F, -0.5F, -1.5F, -2.5F}, expected{0, 2, 2, 0, -2, -2};
    for (const float zero_point : {0.0F, 1.0F, 2.0F}) {
        std::vector<float> out(ties.size());
        (void)fake_quantise(ties, out.data(), nullptr, grid_of_step(1.0F, zero_point, 8));
        CHECK(out == expected);
    }
}

TEST_CASE("Grids of ranges are the golden ones of torch's observers") {
    // metrics-and-statistics.md section 7.1; torch's unsigned zero point 84 is -44 among signed codes.
    const StepGrid averaged = asymmetric_grid(-0.994900F, 2.009800F, 8);
    CHECK(averaged.step == Approx(0.011783137).epsilon(1e-6));
    CHECK(averaged.zero_point == 84.0F - 128.0F);
    CHECK(symmetric_grid(-1.0F, 0.5F, 8).step == Approx(0.007843138).epsilon(1e-6));
    CHECK(symmetric_grid(0.25F, 0.75F, 8).step == Approx(0.005882353).epsilon(1e-6));
    CHECK(symmetric_grid(-1.149422F, 2.533506F, 4).step == Approx(0.337800801).epsilon(1e-6));  // the observer's answer
}

TEST_CASE("Zero is a code of every grid, and empty ranges work") {
    for (int bits = 2; bits <= 16; ++bits) {
        for (const auto& [low, high] : {std::pair{-1.3F, 2.1F}, std::pair{0.4F, 0.9F}, std::pair{-7.0F, -3.0F},
                                        std::pair{0.0F, 0.0F}, std::pair{1e-30F, 1e-30F}}) {
            for (const StepGrid& grid : {symmetric_grid(low, high, bits), asymmetric_grid(low, high, bits)}) {
                CHECK(grid.step >= kSmallestStep);
                CHECK((grid.zero_point >= grid.lowest && grid.zero_point <= grid.highest));
                const std::vector<float> zero(3, 0.0F);
                std::vector<float> out(3, 1.0F);
                (void)fake_quantise(zero, out.data(), nullptr, grid);
                CHECK((out[0] == 0.0F && out[2] == 0.0F));
            }
        }
    }
}

TEST_CASE("One NaN or infinity anywhere is noticed by the one-pass loop") {
    const float infinity = std::numeric_limits<float>::infinity();
    for (const FakeQuantLoops& loops : available_loops()) {
        for (const float bad : {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity}) {
            for (const std::size_t at : {0U, 15U, 16U, 36U}) {
                std::vector<float> in(37, 0.5F), out(37);
                in[at] = bad;
                CHECK_FALSE(
                    loops.quantise_stepped(in.data(), out.data(), nullptr, in.size(), symmetric_grid(-1, 1, 8)).is_finite);
            }
        }
    }
}

TEST_CASE("The squared error is the sum of squared differences") {
    const std::vector<float> in = values(5000);
    const StepGrid grid = symmetric_grid(-2.0F, 2.0F, 3);
    double expected = 0.0;
    for (const float x : in) expected += std::pow(static_cast<double>(x) - static_cast<double>(plainly(x, grid).out), 2);
    CHECK(squared_error(in, grid) == Approx(expected).epsilon(1e-5));
}
