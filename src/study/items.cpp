#include "study/items.hpp"

namespace fairsweep {

ItemTable item_table_of(const VerificationSet& set) {
    ItemTable table;
    table.group_begin.push_back(0);
    for (const VerificationGroup& group : set.groups()) {
        table.groups.push_back(group.name);
        for (const VerificationPair& pair : group.pairs) {
            table.label.push_back(pair.genuine ? 1 : 0);
            table.identity_a.push_back(pair.identity_a);
            table.identity_b.push_back(pair.identity_b);
        }
        table.group_begin.push_back(table.size());
    }
    return table;
}

}  // namespace fairsweep
