#pragma once
/// The arithmetic of the quantisers on one value, for processors and for GPUs. Files that include it are compiled without fused
/// multiply-adds (-ffp-contract=off, --fmad=false): the same code then gives the same bits on both. The loops of
/// fake_quant_loops.inc compute the same for many values at once (tests/device/arithmetic_test.cpp).
///
/// Preset "quantface", bit for bit the reference's float32 formulas:
///   scale = (1 / max(x_max - x_min, 1e-8)) * n, n = 2^bits - 1     two roundings, not n / width
///   zero_point = rint(scale * x_min) + 2^(bits - 1)
///   code = clamp(rint(scale * x - zero_point), -2^(bits - 1), 2^(bits - 1) - 1)     no fused multiply-add
///   output = (code + zero_point) / scale
/// Preset "modern", bit for bit torch.fake_quantize_per_tensor_affine on CPU:
///   code = rint(x * (1 / step)) + zero_point;  output = (clamp(code, lowest, highest) - zero_point) * step
///   the gradient passes where the code before clamping lies in lowest ... highest
/// rint: half to even.
#include <cmath>
#include <cstdint>

#include "fairsweep/host_device.hpp"

namespace fairsweep {

struct QuantiserScale {
    float scale = 1.0F;       ///< codes per unit: the inverse of the step
    float zero_point = 0.0F;  ///< an integer, possibly far outside the codes
    float lowest = 0.0F;      ///< -2^(bits - 1)
    float highest = 0.0F;     ///< 2^(bits - 1) - 1
};

/// Codes of preset "modern": value = (code - zero_point) * step.
struct StepGrid {
    float step = 1.0F;        ///< > 0, finite
    float zero_point = 0.0F;  ///< an integer in lowest ... highest: zero is always a code
    float lowest = 0.0F;      ///< -2^(bits - 1)
    float highest = 0.0F;     ///< 2^(bits - 1) - 1
};

enum class GridKind : std::uint8_t { symmetric, asymmetric };

/// What the grid of a row of values follows from: its range, or a step (or its natural logarithm) and a zero point.
enum class GridSource : std::uint8_t { symmetric_range, asymmetric_range, step, log_step };

/// What the grid of a row of weights follows from: their present range, under one preset or the other, or a stored step.
enum class WeightSource : std::uint8_t { quantface_range, range, step };

/// What a range makes of what was seen since (preset "modern").
enum class UpdateRule : std::uint8_t { keep, set, widen, average };

/// Steps are never smaller: ranges of width zero (constant channels, tensors of zeros) are quantised with this one. It is
/// float32's epsilon, as in torch.ao's observers.
inline constexpr float kSmallestStep = 1.1920928955078125e-07F;

struct LearnedSums {
    double step_gradient =
        0.0;                 ///< sum of gradient[i] * (rint(v) - v inside, lowest - zero_point below, highest - zero_point above)
    double magnitude = 0.0;  ///< sum of |in[i]|
};

namespace arithmetic {

template <class T>
FAIRSWEEP_HOST_DEVICE inline T least(T a, T b) {
    return b < a ? b : a;
}
template <class T>
FAIRSWEEP_HOST_DEVICE inline T most(T a, T b) {
    return a < b ? b : a;
}
template <class T>
FAIRSWEEP_HOST_DEVICE inline T clamped(T x, T low, T high) {
    return x < low ? low : high < x ? high : x;
}

/// rint(x) for |x| < 2^22, never -0: adding and taking away 1.5 * 2^23 rounds to the nearest integer, halves to even.
inline constexpr float kRounder = 12582912.0F;
FAIRSWEEP_HOST_DEVICE inline float rounded(float x) { return (x + kRounder) - kRounder; }

/// 2^(bits - 1), bits in 2 ... 16.
FAIRSWEEP_HOST_DEVICE inline float half_of(int bits) { return static_cast<float>(1 << (bits - 1)); }

/// Finite x_min <= x_max.
FAIRSWEEP_HOST_DEVICE inline QuantiserScale quantiser_scale(float x_min, float x_max, int bits) {
    constexpr float smallest_width = 1e-8F;
    const float half = half_of(bits);
    const float reciprocal = 1.0F / most(x_max - x_min, smallest_width);
    QuantiserScale result;
    result.scale = reciprocal * (2.0F * half - 1.0F);
    result.zero_point = std::nearbyint(result.scale * x_min) + half;
    result.lowest = -half;
    result.highest = half - 1.0F;
    return result;
}

/// Clamping first gives the same code, since the limits are integers.
FAIRSWEEP_HOST_DEVICE inline float code_of(float x, const QuantiserScale& s) {
    return rounded(clamped(s.scale * x - s.zero_point, s.lowest, s.highest));
}
FAIRSWEEP_HOST_DEVICE inline float quantised(float x, const QuantiserScale& s) { return (code_of(x, s) + s.zero_point) / s.scale; }

FAIRSWEEP_HOST_DEVICE inline StepGrid grid_of_step(float step, float zero_point, int bits) {
    const float half = half_of(bits);
    return {most(step, kSmallestStep), zero_point, -half, half - 1.0F};
}

/// step = max(|min|, |max|) / ((highest - lowest) / 2), zero point 0, as torch.ao's observers have it: the largest magnitude lies
/// half a step above the highest code. Finite.
FAIRSWEEP_HOST_DEVICE inline StepGrid symmetric_grid(float min, float max, int bits) {
    return grid_of_step(most(std::fabs(min), std::fabs(max)) / (half_of(bits) - 0.5F), 0.0F, bits);
}

/// The range is widened to contain 0; step = (max - min) / (highest - lowest), zero_point = lowest - rint(min / step).
FAIRSWEEP_HOST_DEVICE inline StepGrid asymmetric_grid(float min, float max, int bits) {
    const float half = half_of(bits);
    const float low = least(min, 0.0F), high = most(max, 0.0F);
    StepGrid grid = grid_of_step((high - low) / (2.0F * half - 1.0F), 0.0F, bits);
    grid.zero_point = clamped(-half - std::nearbyint(low / grid.step), grid.lowest, grid.highest);
    return grid;
}

FAIRSWEEP_HOST_DEVICE inline StepGrid grid_of_range(float min, float max, GridKind kind, int bits) {
    return kind == GridKind::symmetric ? symmetric_grid(min, max, bits) : asymmetric_grid(min, max, bits);
}

/// r = rint(v), v = x / step, clamped to the codes without zero point; and whether it lay inside.
struct Stepped {
    float scaled, code;
    bool inside;
};
FAIRSWEEP_HOST_DEVICE inline Stepped stepped(float x, const StepGrid& grid) {
    const float lowest = grid.lowest - grid.zero_point, highest = grid.highest - grid.zero_point;
    const float v = x * (1.0F / grid.step);
    const float r = rounded(clamped(v, lowest - 1.0F, highest + 1.0F));
    return {v, clamped(r, lowest, highest), r >= lowest && r <= highest};
}
FAIRSWEEP_HOST_DEVICE inline float quantised(float x, const StepGrid& grid) { return stepped(x, grid).code * grid.step; }

/// What a value adds to LearnedSums::step_gradient, and the gradient that it passes on. Outside, the clamped code is the distance
/// itself: v is taken away inside only.
FAIRSWEEP_HOST_DEVICE inline float learned_term(const Stepped& x, float gradient) {
    return gradient * (x.code - (x.inside ? x.scaled : 0.0F));
}

/// See log_step_gradient() in fake_quant_kernel.hpp.
FAIRSWEEP_HOST_DEVICE inline double log_step_gradient(const LearnedSums& sums, double count, const StepGrid& grid) {
    const double highest = static_cast<double>(grid.highest), step = static_cast<double>(grid.step);
    const double start = most(2.0 * sums.magnitude / count / std::sqrt(highest), static_cast<double>(kSmallestStep));
    return step * sums.step_gradient / (std::sqrt(count * highest) * start * start);
}

struct Range {
    float min, max;
};
/// Preset "quantface", as the reference updates it: the stored value may miss the true minimum by its last bit. A minimum of zero
/// that was seen is -0: it tells a range of zeros from one that was never calibrated.
FAIRSWEEP_HOST_DEVICE inline Range widened(Range range, const Range& batch) {
    range.min += -range.min + least(range.min, batch.min);
    range.max += -range.max + most(range.max, batch.max);
    if (range.min == 0.0F) range.min = -0.0F;
    return range;
}
/// `share` in (0, 1] of the newest in an average. Where nothing was seen (min > max), nothing changes.
FAIRSWEEP_HOST_DEVICE inline Range updated(const Range& range, const Range& seen, UpdateRule rule, float share) {
    if (rule == UpdateRule::keep || !(seen.min <= seen.max)) return range;
    if (rule == UpdateRule::set) return seen;
    if (rule == UpdateRule::widen) return {least(range.min, seen.min), most(range.max, seen.max)};
    return {range.min + share * (seen.min - range.min), range.max + share * (seen.max - range.max)};
}

}  // namespace arithmetic
}  // namespace fairsweep
