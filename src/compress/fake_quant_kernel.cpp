#include "compress/fake_quant_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "fairsweep/check.hpp"

// Vectors of GCC's and Clang's extension: every lane computes what the scalar code computes, whatever the instruction
// set, so the results do not depend on the machine. This file is compiled with -ffp-contract=off (CMakeLists.txt).
namespace fairsweep {
namespace {

constexpr std::size_t kLanes = 16;
using Floats = float __attribute__((vector_size(kLanes * sizeof(float))));
using Integers = std::int32_t __attribute__((vector_size(kLanes * sizeof(float))));

constexpr float kSmallestWidth = 1e-8F;
// Adding and taking away 1.5 * 2^23 rounds |v| < 2^22 to the nearest integer, halves to even.
constexpr float kRounder = 12582912.0F;
constexpr std::int32_t kMagnitudeBits = 0x7fffffff;
constexpr std::int32_t kInfinityBits = 0x7f800000;  // NaNs lie above

std::int32_t magnitude_bits(float value) {
    std::int32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits & kMagnitudeBits;
}

[[gnu::always_inline]] inline bool fake_quantise_body(const float* in, float* out, std::size_t count, const QuantiserScale& s) {
    const Floats scale = Floats{} + s.scale, zero_point = Floats{} + s.zero_point;
    const Floats lowest = Floats{} + s.lowest, highest = Floats{} + s.highest;
    Integers largest{};
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        Floats x;
        Integers bits;
        std::memcpy(&x, in + i, sizeof(x));
        std::memcpy(&bits, in + i, sizeof(bits));
        bits &= kMagnitudeBits;
        largest = bits > largest ? bits : largest;
        // Clamping first gives the same code, since the limits are integers, and keeps the rounding trick in its domain.
        Floats code = scale * x - zero_point;
        code = code < lowest ? lowest : code;
        code = code > highest ? highest : code;
        code = (code + kRounder) - kRounder;
        code = (code + zero_point) / scale;
        std::memcpy(out + i, &code, sizeof(code));
    }
    std::int32_t largest_bits = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) largest_bits = std::max(largest_bits, largest[lane]);
    for (; i < count; ++i) {
        largest_bits = std::max(largest_bits, magnitude_bits(in[i]));
        out[i] = (quantiser_code(in[i], s) + s.zero_point) / s.scale;
    }
    return largest_bits < kInfinityBits;
}

[[gnu::always_inline]] inline ValueRange range_body(const float* values, std::size_t count) {
    ValueRange range{values[0], values[0], true};
    Floats min = Floats{} + values[0], max = min;
    Integers largest{};
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        Floats x;
        Integers bits;
        std::memcpy(&x, values + i, sizeof(x));
        std::memcpy(&bits, values + i, sizeof(bits));
        bits &= kMagnitudeBits;
        largest = bits > largest ? bits : largest;
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    std::int32_t largest_bits = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        largest_bits = std::max(largest_bits, largest[lane]);
        range.min = std::min(range.min, min[lane]);
        range.max = std::max(range.max, max[lane]);
    }
    for (; i < count; ++i) {
        largest_bits = std::max(largest_bits, magnitude_bits(values[i]));
        range.min = std::min(range.min, values[i]);
        range.max = std::max(range.max, values[i]);
    }
    range.is_finite = largest_bits < kInfinityBits;
    return range;
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] bool fake_quantise_avx2(const float* in, float* out, std::size_t count, const QuantiserScale& s) {
    return fake_quantise_body(in, out, count, s);
}
[[gnu::target("avx2")]] ValueRange range_avx2(const float* values, std::size_t count) { return range_body(values, count); }

bool has_avx2() {
    static const bool has = __builtin_cpu_supports("avx2") != 0;
    return has;
}
#endif

}  // namespace

QuantiserScale quantiser_scale(float x_min, float x_max, int bits) {
    FAIRSWEEP_CHECK(bits >= 2 && bits <= 16, "widths of the quantiser");
    const float levels_less_one = static_cast<float>((1 << bits) - 1);
    const float half = static_cast<float>(1 << (bits - 1));
    const float reciprocal = 1.0F / std::max(x_max - x_min, kSmallestWidth);
    QuantiserScale result;
    result.scale = reciprocal * levels_less_one;
    result.zero_point = std::nearbyint(result.scale * x_min) + half;
    result.lowest = -half;
    result.highest = half - 1.0F;
    return result;
}

float quantiser_code(float x, const QuantiserScale& s) {
    const float code = s.scale * x - s.zero_point;
    return (std::clamp(code, s.lowest, s.highest) + kRounder) - kRounder;
}

ValueRange range_of(std::span<const float> values) {
#if defined(__x86_64__)
    if (has_avx2()) return range_avx2(values.data(), values.size());
#endif
    return range_body(values.data(), values.size());
}

bool fake_quantise(std::span<const float> in, float* out, const QuantiserScale& scale) {
#if defined(__x86_64__)
    if (has_avx2()) return fake_quantise_avx2(in.data(), out, in.size(), scale);
#endif
    return fake_quantise_body(in.data(), out, in.size(), scale);
}

}  // namespace fairsweep
