#pragma once
/// Elements for the contract, and what comes out of them by the plainest code there is: one element at a time, in double.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fairsweep/collective.hpp"

namespace fairsweep::contract {

using Bytes = std::vector<std::byte>;

/// `count` elements that depend on `who`; with NaN, infinities, zeros of both signs and numbers near the smallest.
[[nodiscard]] Bytes elements(Scalar type, std::size_t count, int who);
/// The parts reduced element by element: a sum by the tree over parts as the header has it.
[[nodiscard]] Bytes reduced(Scalar type, Reduction reduction, const std::vector<Bytes>& parts);
/// Empty where they are equal bit for bit (any NaN is equal to any other), else the first difference.
[[nodiscard]] std::string difference(Scalar type, const Bytes& found, const Bytes& expected);
[[nodiscard]] std::uint64_t hash_of(const Bytes& bytes);

/// By arithmetic in double, for the conversions' own test too.
[[nodiscard]] double widen(Scalar type, std::uint16_t bits);     ///< f16, bf16
[[nodiscard]] std::uint16_t round_to(Scalar type, float value);  ///< f16, bf16: nearest, ties to even

}  // namespace fairsweep::contract
