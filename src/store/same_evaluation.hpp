#pragma once
#include <filesystem>

#include "fairsweep/items.hpp"
#include "fairsweep/plan.hpp"
#include "store/layout.hpp"

namespace fairsweep {

/// Throws a store error when the plan is about other groups, another task, other classes, items or data than the store at `path`
/// holds. `items`: null when they are those that the store holds.
void check_same_evaluation(const std::filesystem::path& path, const StoreContents& held, const Plan& plan,
                           const ItemTable* items);

}  // namespace fairsweep
