#pragma once
/// The items of an evaluation set as columns: what responses are judged against. An item is a pair of faces (verification) or
/// one image (classification). Groups one after another, file order within.
#include <cstdint>
#include <string>
#include <vector>

namespace fairsweep {

/// Another way to part the same items into groups.
struct Grouping {
    std::string name;                     ///< "sex"
    std::vector<std::string> groups;      ///< names
    std::vector<std::uint32_t> group_of;  ///< [items] place in `groups`
    bool operator==(const Grouping&) const = default;
};

struct ItemTable {
    std::vector<std::string> groups;         ///< names
    std::vector<std::uint32_t> group_begin;  ///< [groups + 1]: items of group g are group_begin[g] .. group_begin[g + 1]
    std::vector<std::uint8_t> label;         ///< [items] verification 1: same person; classification: place of the class
    std::vector<std::uint32_t> identity_a;   ///< [items] one numbering over all groups
    std::vector<std::uint32_t> identity_b;   ///< of one image: its person again
    std::vector<Grouping> groupings{};       ///< besides the one above
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(label.size()); }
    bool operator==(const ItemTable&) const = default;
};

}  // namespace fairsweep
