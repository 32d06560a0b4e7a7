#pragma once
/// The arithmetic of the quantisers on plain memory, one thread: no torch here. Results do not depend on the instruction set.
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
#include <cstddef>
#include <cstdint>
#include <span>

namespace fairsweep {

struct QuantiserScale {
    float scale = 1.0F;       ///< codes per unit: the inverse of the step
    float zero_point = 0.0F;  ///< an integer, possibly far outside the codes
    float lowest = 0.0F;      ///< -2^(bits - 1)
    float highest = 0.0F;     ///< 2^(bits - 1) - 1
};

/// bits in 2 ... 16, finite x_min <= x_max.
[[nodiscard]] QuantiserScale quantiser_scale(float x_min, float x_max, int bits);

/// The integer code of one finite value.
[[nodiscard]] float quantiser_code(float x, const QuantiserScale& scale);

struct ValueRange {
    float min = 0.0F, max = 0.0F;
    bool is_finite = true;  ///< no NaN and no infinity among the values; min and max mean nothing otherwise
};

/// `values` is not empty.
[[nodiscard]] ValueRange range_of(std::span<const float> values);

/// Writes the quantised values to `out` (as long as `in`, may be `in` itself). False when a value is NaN or infinite.
[[nodiscard]] bool fake_quantise(std::span<const float> in, float* out, const QuantiserScale& scale);

/// Codes of preset "modern": value = (code - zero_point) * step.
struct StepGrid {
    float step = 1.0F;        ///< > 0, finite
    float zero_point = 0.0F;  ///< an integer in lowest ... highest: zero is always a code
    float lowest = 0.0F;      ///< -2^(bits - 1)
    float highest = 0.0F;     ///< 2^(bits - 1) - 1
};

/// Steps are never smaller: ranges of width zero (constant channels, tensors of zeros) are quantised with this one. It is
/// float32's epsilon, as in torch.ao's observers.
inline constexpr float kSmallestStep = 1.1920928955078125e-07F;

/// step = max(|min|, |max|) / ((highest - lowest) / 2), zero point 0, as torch.ao's observers have it: the largest magnitude lies
/// half a step above the highest code. bits in 2 ... 16, finite.
[[nodiscard]] StepGrid symmetric_grid(float min, float max, int bits);
/// The range is widened to contain 0; step = (max - min) / (highest - lowest), zero_point = lowest - rint(min / step).
[[nodiscard]] StepGrid asymmetric_grid(float min, float max, int bits);
/// A grid of given step, with the codes of that width.
[[nodiscard]] StepGrid grid_of_step(float step, float zero_point, int bits);

/// Words of 16 mask bits that `count` values need.
[[nodiscard]] constexpr std::size_t mask_words(std::size_t count) { return (count + 15) / 16; }

/// One pass: quantised values to `out` (may be `in`), whether each value's code lay inside the grid to the bits of `kept`
/// (mask_words(in.size()), lowest bit first; null: not wanted), and the range of the input. `in` is not empty.
ValueRange fake_quantise(std::span<const float> in, float* out, std::uint16_t* kept, const StepGrid& grid);

/// out[i] = gradient[i] where the bit is set, 0 elsewhere. `out` may be `gradient`.
void masked_gradient(std::span<const float> gradient, const std::uint16_t* kept, float* out);

struct LearnedSums {
    double step_gradient =
        0.0;                 ///< sum of gradient[i] * (rint(v) - v inside, lowest - zero_point below, highest - zero_point above)
    double magnitude = 0.0;  ///< sum of |in[i]|
};
/// Gradient of LSQ (Esser et al., arXiv 1902.08153, equations 3 and 5), masked by the rounded code as
/// torch._fake_quantize_learnable_* does: writes the gradient of the input to `out` (may be `gradient`) and returns sums over i,
/// v = in[i] / step, in double over blocks of fixed size: independent of the instruction set.
LearnedSums learned_gradient(std::span<const float> in, const float* gradient, float* out, const StepGrid& grid);

/// What a learned step's logarithm gets as its gradient: g * step * (gradient of the step) / s0^2, with LSQ's factor
/// g = 1 / sqrt(count * highest) and the step that LSQ starts from, s0 = 2 mean|x| / sqrt(highest). Where the step is s0, an
/// update of the logarithm moves the step as LSQ's update moves it, in the first order; unlike there, a step that shrinks does
/// not speed itself up. `count`: values that share the step.
[[nodiscard]] double log_step_gradient(const LearnedSums& sums, double count, const StepGrid& grid);

/// Sum of squared differences of the values and their quantised values.
[[nodiscard]] double squared_error(std::span<const float> values, const StepGrid& grid);

}  // namespace fairsweep
