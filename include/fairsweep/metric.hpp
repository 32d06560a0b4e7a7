#pragma once
/// The numbers that a stage measures besides the figures of each group. A new one is an enumerator, its row here, and a mention
/// in the table of the stage kind that measures it (plan/stage_kinds.cpp): rows, messages, merge, analysis file and tables loop.
#include <array>
#include <cstdint>

#include "fairsweep/enumeration.hpp"

namespace fairsweep {

/// persistent: rows hold them in this order; add at the end, and raise kStoreVersion
enum class Metric : std::uint8_t {
    loss_first,         ///< mean training loss of the first tenth of the steps
    loss_last,          ///< and of the last
    sparsity_measured,  ///< share of exact zeros among prunable weights as used in the forward pass
    teacher_cosine,     ///< mean cosine to the teacher on the last batches
    pooled_threshold,   ///< similarity; `score >= threshold` matches
    image_time_s,       ///< median time to embed one image, alone in its batch, on the stage's threads
    packed_bytes,       ///< the network with codes at their bits (export/packed_size.hpp)
    float32_bytes,      ///< the same network with four bytes a value
};
template <>
struct Words<Metric> {
    static constexpr std::array kWords{"loss_first",       "loss_last",    "sparsity_measured", "teacher_cosine",
                                       "pooled_threshold", "image_time_s", "packed_bytes",      "float32_bytes"};
};

/// Of the enumerator; empty: none.
[[nodiscard]] constexpr const char* unit_of(Metric metric) {
    constexpr std::array<const char*, count_of<Metric>> kUnits{"", "", "fraction", "cosine", "cosine", "s", "bytes", "bytes"};
    return kUnits[index_of(metric)];
}

using Metrics = PerEnum<Metric, double>;

}  // namespace fairsweep
