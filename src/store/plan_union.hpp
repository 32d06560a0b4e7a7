#pragma once
/// A store serves one sweep after another: its plan is the union of all plans it was opened with.
#include "fairsweep/plan.hpp"

namespace fairsweep {

/// True when every stage and point of `wanted` is in `held`.
[[nodiscard]] bool plan_covers(const Plan& held, const Plan& wanted);
/// `held` with the stages and points of `wanted` that it lacks behind its own: positions in `held` stay as they are.
/// Both have the same groups and task (the caller checks).
[[nodiscard]] Plan unite_plans(const Plan& held, const Plan& wanted);

}  // namespace fairsweep
