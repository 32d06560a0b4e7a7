#pragma once
/// f16 and bf16 as bits: exact to f32, and back to the nearest with ties to even. No branches and no tables, so that loops over
/// them vectorise on every machine; and no f32 number below the normal ones on the way, so that a mode that flushes such
/// numbers to zero changes nothing.
#include <bit>
#include <cstdint>

#include "fairsweep/host_device.hpp"

namespace fairsweep {

inline constexpr std::uint32_t kMagnitude = 0x7FFFFFFFU;
inline constexpr std::uint32_t kInfinity = 0x7F800000U;

[[nodiscard]] FAIRSWEEP_HOST_DEVICE inline float float_of_f16(std::uint16_t half) {
    const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7FFFU) << 13;
    const std::uint32_t normal = magnitude + (112U << 23);  // the exponent's bias is 15 there, 127 here
    // Below the normal numbers the fraction counts steps of 2^-24: put behind the one of 2^-14 and that one taken away again.
    const float tiny = std::bit_cast<float>(magnitude | (113U << 23)) - std::bit_cast<float>(113U << 23);
    const std::uint32_t finite = magnitude < (1U << 23) ? std::bit_cast<std::uint32_t>(tiny) : normal;
    const std::uint32_t value = magnitude >= (31U << 23) ? magnitude | kInfinity : finite;
    return std::bit_cast<float>(value | static_cast<std::uint32_t>(half & 0x8000U) << 16);
}

[[nodiscard]] FAIRSWEEP_HOST_DEVICE inline std::uint16_t f16_of_float(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = bits & kMagnitude;
    // Adding 0.5 leaves steps of 2^-24, those of the smallest halves, and rounds to them as additions do.
    const std::uint32_t tiny = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - (126U << 23);
    const std::uint32_t odd = (magnitude >> 13) & 1U;
    const std::uint32_t normal = (magnitude - (112U << 23) + 0xFFFU + odd) >> 13;  // a carry may go up to infinity
    const std::uint32_t finite = magnitude < (113U << 23) ? tiny : normal;
    const std::uint32_t large = magnitude > kInfinity ? 0x7E00U : 0x7C00U;
    const std::uint32_t half = magnitude >= (143U << 23) ? large : finite;
    return static_cast<std::uint16_t>(half | ((bits >> 16) & 0x8000U));
}

[[nodiscard]] FAIRSWEEP_HOST_DEVICE inline float float_of_bf16(std::uint16_t half) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

[[nodiscard]] FAIRSWEEP_HOST_DEVICE inline std::uint16_t bf16_of_float(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
    const std::uint32_t nan = (bits >> 16) | 0x40U;  // rounding could carry a NaN over into a number
    return static_cast<std::uint16_t>((bits & kMagnitude) > kInfinity ? nan : rounded);
}

}  // namespace fairsweep
