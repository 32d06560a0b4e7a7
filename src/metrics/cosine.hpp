#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fairsweep {

/// Cosine of rows a[i] and b[i] of `embeddings` [rows, dimensions], all in float64, within [-1, 1]; NaN where a row has no
/// direction (row_fault()). Indices must be below the number of rows.
[[nodiscard]] std::vector<double> cosines(std::span<const float> embeddings, std::size_t dimensions,
                                          std::span<const std::uint32_t> a, std::span<const std::uint32_t> b);

/// Why a row of an embedding has no direction: "a value that is NaN", "an infinite value", "zeros only". nullptr: it has one.
[[nodiscard]] const char* row_fault(std::span<const float> row);

}  // namespace fairsweep
