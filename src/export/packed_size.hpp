#pragma once
/// The bytes that a compressed network really takes, stored as plainly as possible. No torch here.
#include <cstdint>

#include "export/exported_network.hpp"

namespace fairsweep {

/// Bytes for `count` codes of `bits` bits without gaps between them.
[[nodiscard]] constexpr std::uint64_t packed_bytes(std::uint64_t count, int bits) {
    return (count * static_cast<std::uint64_t>(bits) + 7) / 8;
}

/// What must be stored to compute the network's output. Codes are packed at their bits, each tensor rounded up to whole
/// bytes. Counters of BatchNorm batches are not counted: no output depends on them.
struct PackedSize {
    std::uint64_t weight_bytes = 0;  ///< convolutions and linear layers: codes, or 4 bytes a weight where not quantised
    std::uint64_t slope_bytes = 0;   ///< PReLU slopes, likewise
    std::uint64_t range_bytes = 0;   ///< scale and zero point, 4 bytes each, of every weight channel, slope vector and activation
    std::uint64_t mask_bytes = 0;    ///< pruned layers: one bit a weight
    std::uint64_t float_bytes = 0;   ///< BatchNorm with its running statistics, biases: float32
    std::uint64_t kept_weight_bytes = 0;  ///< weight_bytes without the codes of pruned weights, which the mask makes up for

    [[nodiscard]] std::uint64_t total_bytes() const {
        return weight_bytes + slope_bytes + range_bytes + mask_bytes + float_bytes;
    }
    /// With only the kept weights of pruned layers stored; equal to total_bytes() without pruning.
    [[nodiscard]] std::uint64_t sparse_total_bytes() const { return total_bytes() - weight_bytes + kept_weight_bytes; }

    bool operator==(const PackedSize&) const = default;
};

[[nodiscard]] PackedSize packed_size(const ExportedNetwork& network);

}  // namespace fairsweep
