#pragma once
/// The arithmetic of the quantiser on plain memory: no torch here. Bit for bit the reference's float32 formulas:
///   scale = (1 / max(x_max - x_min, 1e-8)) * n, n = 2^bits - 1     two roundings, not n / width
///   zero_point = rint(scale * x_min) + 2^(bits - 1)
///   code = clamp(rint(scale * x - zero_point), -2^(bits - 1), 2^(bits - 1) - 1)     no fused multiply-add
///   output = (code + zero_point) / scale
#include <cstddef>
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

}  // namespace fairsweep
