#pragma once
/// Numbers that must not be mistaken for one another. A stage or a point is a position in a vector of its plan and stays a plain
/// number; a worker and an attempt are types of their own, so that no call takes one for the other or for a stage.
#include <cstdint>

namespace fairsweep {

enum class WorkerId : std::int32_t {};  ///< rank
enum class Attempt : std::uint32_t {};  ///< lease number of a stage, from 1; 0: none

[[nodiscard]] constexpr std::int32_t number(WorkerId worker) { return static_cast<std::int32_t>(worker); }
[[nodiscard]] constexpr std::uint32_t number(Attempt attempt) { return static_cast<std::uint32_t>(attempt); }
[[nodiscard]] constexpr Attempt next(Attempt attempt) { return Attempt{number(attempt) + 1}; }

}  // namespace fairsweep
