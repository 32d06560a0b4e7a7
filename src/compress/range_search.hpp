#pragma once
/// Ranges of values that leave outliers out. Plain memory, no torch.
#include <cstddef>
#include <span>
#include <vector>

#include "device/fake_quant_kernel.hpp"
#include "compress/quantiser_settings.hpp"

namespace fairsweep {

/// Every k-th value, k the least that leaves at most `most`: the same ones for the same length.
[[nodiscard]] std::vector<float> sample_of(std::span<const float> values, std::size_t most);

/// The quantiles 1 - share and share, interpolated linearly as numpy.quantile does; share in [0.5, 1]. Finite, not empty.
[[nodiscard]] ValueRange percentile_range(std::span<const float> values, double share);

/// Of the ranges (f * min, f * max), f = 1, 0.99 ... 0.2, the one whose quantised values have the least squared error; the wider
/// of equal ones. The grid of candidates is MQBench's (its exponent is 2.4). Finite, not empty.
[[nodiscard]] ValueRange least_error_range(std::span<const float> values, GridKind kind, int bits);

}  // namespace fairsweep
