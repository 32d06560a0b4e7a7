#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fairsweep {

/// Cosine of rows a[i] and b[i] of `embeddings` [rows, dimensions], all in float64, within [-1, 1]. A zero vector has cosine 0
/// with everything. Indices must be below the number of rows.
[[nodiscard]] std::vector<double> cosines(std::span<const float> embeddings, std::size_t dimensions,
                                          std::span<const std::uint32_t> a, std::span<const std::uint32_t> b);

}  // namespace fairsweep
