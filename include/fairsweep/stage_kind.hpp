#pragma once
#include <cstdint>

#include "fairsweep/enumeration.hpp"

namespace fairsweep {

/// What each is and does: plan/stage_kinds.hpp. persistent: do not renumber
enum class StageKind : std::uint8_t {
    prepare = 0,
    baseline = 1,
    teacher = 2,
    compression = 3,
    evaluation = 4,
    latency = 5,
    external = 6
};
template <>
struct Words<StageKind> {
    static constexpr std::array kWords{"prepare", "baseline", "teacher", "compression", "evaluation", "latency", "external"};
};

}  // namespace fairsweep
