#pragma once
/// The pairs of a verification set as columns: what scores are judged against. Groups one after another, file order.
#include <cstdint>
#include <string>
#include <vector>

namespace fairsweep {

struct PairTable {
    std::vector<std::string> groups;         ///< names
    std::vector<std::uint32_t> group_begin;  ///< [groups + 1]: pairs of group g are group_begin[g] .. group_begin[g + 1]
    std::vector<std::uint8_t> genuine;       ///< [pairs] 1: same person
    std::vector<std::uint32_t> identity_a;   ///< [pairs] one numbering over all groups
    std::vector<std::uint32_t> identity_b;
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(genuine.size()); }
};

}  // namespace fairsweep
