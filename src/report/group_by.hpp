#pragma once
/// The same items in other groups: a grouping is a column of the item table, and every figure of an analysis is over one.
#include <cstdint>
#include <string>
#include <vector>

#include "fairsweep/items.hpp"

namespace fairsweep {

struct Regrouped {
    ItemTable items;  ///< in the order of the new groups, within them as before; the former groups are a grouping
    std::vector<std::uint32_t> former;  ///< [items] place before
    /// `values` [items, each] in the new order.
    [[nodiscard]] std::vector<float> reordered(const std::vector<float>& values) const;
};

/// Name of the grouping that an evaluation set comes with.
inline constexpr const char* kOwnGrouping = "group";

/// Groups without an item are left out. Throws a usage error for a name that the items do not have, with those that they have.
[[nodiscard]] Regrouped group_by(const ItemTable& items, const std::string& name);

}  // namespace fairsweep
