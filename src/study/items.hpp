#pragma once
#include "fairsweep/dataset.hpp"
#include "fairsweep/items.hpp"

namespace fairsweep {

/// The pairs of a verification set as columns, groups one after another in file order: the order of an evaluation's scores.
[[nodiscard]] ItemTable item_table_of(const VerificationSet& set);

}  // namespace fairsweep
