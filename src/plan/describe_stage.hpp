#pragma once
/// A stage in words, for people who do not know its id.
#include <string>

#include "fairsweep/plan.hpp"

namespace fairsweep {

/// "baseline iresnet18, ms1mv2, seed 1 (1f2e3d4c5b6a)", after the first point that it serves; what many points share is named
/// by what they share. Linear in the number of points.
[[nodiscard]] std::string describe_stage(const Plan& plan, StageIndex stage);

}  // namespace fairsweep
