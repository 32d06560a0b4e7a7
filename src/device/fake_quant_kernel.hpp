#pragma once
/// The arithmetic of fake_quant_arithmetic.hpp on plain memory, one thread: no torch here. Results do not depend on the
/// instruction set.
#include <cstddef>
#include <cstdint>
#include <span>

#include "device/fake_quant_arithmetic.hpp"

namespace fairsweep {

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

/// The grid of a range: bits in 2 ... 16, finite.
[[nodiscard]] StepGrid symmetric_grid(float min, float max, int bits);
[[nodiscard]] StepGrid asymmetric_grid(float min, float max, int bits);
[[nodiscard]] StepGrid grid_of_range(float min, float max, GridKind kind, int bits);
/// A grid of given step, with the codes of that width.
[[nodiscard]] StepGrid grid_of_step(float step, float zero_point, int bits);

/// arithmetic::widened() and updated(), with this file's roundings.
[[nodiscard]] arithmetic::Range widened_range(const arithmetic::Range& range, const arithmetic::Range& batch);
[[nodiscard]] arithmetic::Range updated_range(const arithmetic::Range& range, const arithmetic::Range& seen, UpdateRule rule, float share);

/// Words of 16 mask bits that `count` values need.
[[nodiscard]] constexpr std::size_t mask_words(std::size_t count) { return (count + 15) / 16; }

/// One pass: quantised values to `out` (may be `in`), whether each value's code lay inside the grid to the bits of `kept`
/// (mask_words(in.size()), lowest bit first; null: not wanted), and the range of the input. `in` is not empty.
ValueRange fake_quantise(std::span<const float> in, float* out, std::uint16_t* kept, const StepGrid& grid);

/// out[i] = gradient[i] where the bit is set, 0 elsewhere. `out` may be `gradient`.
void masked_gradient(std::span<const float> gradient, const std::uint16_t* kept, float* out);

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
