#pragma once
#include <span>

#include "fairsweep/plan.hpp"
#include "fairsweep/stage_order.hpp"

namespace fairsweep {

/// The order to run plan.stages[stage]. `artefacts`: [stages] SHA-256 of the file that each left so far, zero for none.
[[nodiscard]] StageOrder order_of(const Plan& plan, StageIndex stage, std::span<const Digest> artefacts);

}  // namespace fairsweep
