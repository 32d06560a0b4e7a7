#include "device/fake_quant_kernel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "device/fake_quant_loops.hpp"
#include "fairsweep/check.hpp"

// This file is compiled with -ffp-contract=off (CMakeLists.txt): a fused multiply-add would round once instead of twice.
namespace fairsweep {
namespace {

constexpr std::size_t kLanes = 16;
using Floats = float __attribute__((vector_size(kLanes * sizeof(float))));
using Integers = std::int32_t __attribute__((vector_size(kLanes * sizeof(float))));

using arithmetic::kRounder;
constexpr std::int32_t kMagnitudeBits = 0x7fffffff;
constexpr std::int32_t kInfinityBits = 0x7f800000;  // NaNs lie above
constexpr std::size_t kSumBlock = 4096;             // values summed in float lanes before they go to a double
constexpr Integers kLaneBits{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};

// Each namespace holds the same loops, compiled for one instruction set; available_loops() says what this machine can run.
namespace plain {
constexpr const char* kInstructionSet = "plain";
inline unsigned mask_word(Integers lanes) {
    lanes &= kLaneBits;
    std::int32_t bits = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) bits |= lanes[lane];
    return static_cast<unsigned>(bits);
}
inline Floats whole(Floats x) { return x; }
#include "device/fake_quant_loops.inc"
}  // namespace plain

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
constexpr const char* kInstructionSet = "avx2";
inline unsigned mask_word(Integers lanes) {
    __m256 low, high;
    std::memcpy(&low, &lanes, sizeof(low));
    std::memcpy(&high, reinterpret_cast<const char*>(&lanes) + sizeof(low), sizeof(high));
    return static_cast<unsigned>(_mm256_movemask_ps(low)) | static_cast<unsigned>(_mm256_movemask_ps(high)) << 8U;
}
inline Floats whole(Floats x) { return x; }
#include "device/fake_quant_loops.inc"
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
namespace avx512 {
constexpr const char* kInstructionSet = "avx512";
inline unsigned mask_word(Integers lanes) {
    __m512i all;
    std::memcpy(&all, &lanes, sizeof(lanes));
    return _mm512_movepi32_mask(all);
}
/// Keeps GCC from making one masked load of a load and a choice: that takes twice as long (measured on an AMD EPYC).
inline Floats whole(Floats x) {
    asm("" : "+v"(x));
    return x;
}
#include "device/fake_quant_loops.inc"
}  // namespace avx512
#pragma GCC pop_options

constexpr std::array kAll{plain::kLoops, avx2::kLoops, avx512::kLoops};
std::size_t count_available() {
    if (!__builtin_cpu_supports("avx2")) return 1;
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return wide ? 3 : 2;
}
#else
constexpr std::array kAll{plain::kLoops};
std::size_t count_available() { return 1; }
#endif

const FakeQuantLoops& loops() {
    static const FakeQuantLoops& best = available_loops().back();
    return best;
}

void check_bits(int bits) { FAIRSWEEP_CHECK(bits >= 2 && bits <= 16, "widths of the quantiser"); }

}  // namespace

std::span<const FakeQuantLoops> available_loops() {
    static const std::size_t count = count_available();
    return std::span(kAll).first(count);
}

QuantiserScale quantiser_scale(float x_min, float x_max, int bits) {
    check_bits(bits);
    return arithmetic::quantiser_scale(x_min, x_max, bits);
}

float quantiser_code(float x, const QuantiserScale& s) { return arithmetic::code_of(x, s); }

ValueRange range_of(std::span<const float> values) { return loops().range(values.data(), values.size()); }

bool fake_quantise(std::span<const float> in, float* out, const QuantiserScale& scale) {
    return loops().quantise_scaled(in.data(), out, in.size(), scale);
}

StepGrid grid_of_step(float step, float zero_point, int bits) {
    check_bits(bits);
    return arithmetic::grid_of_step(step, zero_point, bits);
}

StepGrid symmetric_grid(float min, float max, int bits) { return grid_of_range(min, max, GridKind::symmetric, bits); }
StepGrid asymmetric_grid(float min, float max, int bits) { return grid_of_range(min, max, GridKind::asymmetric, bits); }

StepGrid grid_of_range(float min, float max, GridKind kind, int bits) {
    check_bits(bits);
    return arithmetic::grid_of_range(min, max, kind, bits);
}

arithmetic::Range widened_range(const arithmetic::Range& range, const arithmetic::Range& batch) { return arithmetic::widened(range, batch); }

arithmetic::Range updated_range(const arithmetic::Range& range, const arithmetic::Range& seen, UpdateRule rule, float share) {
    return arithmetic::updated(range, seen, rule, share);
}

ValueRange fake_quantise(std::span<const float> in, float* out, std::uint16_t* kept, const StepGrid& grid) {
    return loops().quantise_stepped(in.data(), out, kept, in.size(), grid);
}

void masked_gradient(std::span<const float> gradient, const std::uint16_t* kept, float* out) {
    loops().masked_gradient(gradient.data(), kept, out, gradient.size());
}

LearnedSums learned_gradient(std::span<const float> in, const float* gradient, float* out, const StepGrid& grid) {
    return loops().learned_gradient(in.data(), gradient, out, in.size(), grid);
}

double log_step_gradient(const LearnedSums& sums, double count, const StepGrid& grid) {
    return arithmetic::log_step_gradient(sums, count, grid);
}

double squared_error(std::span<const float> values, const StepGrid& grid) {
    return loops().squared_error(values.data(), values.size(), grid);
}

}  // namespace fairsweep
