#pragma once
/// A point of a plan by what people type: its id or the beginning of it.
#include <string>
#include <string_view>

#include "fairsweep/plan.hpp"

namespace fairsweep {

/// Fewest digits of an id that name a point.
inline constexpr std::size_t kPointDigitsMin = 4;

/// "1f2e3d4c5b6a compressed iresnet18, ms1mv2, bits 8, calibration real, sparsity 0.5, pruning global, distillation
/// embedding, seed 1"
[[nodiscard]] std::string describe_point(const Plan& plan, const Point& point);

/// The point whose id begins with `word`: 4 to 64 hex digits of either case. Throws a usage Error that lists the points
/// meant when there are several, and the nearest ones when there is none.
[[nodiscard]] const Point& find_point(const Plan& plan, std::string_view word);

}  // namespace fairsweep
