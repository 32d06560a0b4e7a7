#pragma once
/// Pair lists on the rows of an embedding file: an image is found by the end of its path, `identity/identity_0001`, with any
/// extension or none. Where that end is there more than once, `group/identity/identity_0001` decides. Backslashes separate
/// folders, and letters with accents are equal however they are composed.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "fairsweep/items.hpp"

namespace fairsweep {

struct PairFile {
    std::string group;
    std::filesystem::path path;
};

/// "GROUP=FILE" or "FILE"; without a group the file's name without "_pairs" and extension is it.
[[nodiscard]] PairFile parse_pair_file(const std::string& text);

struct RowPairs {
    ItemTable table;
    std::vector<std::uint32_t> row_a;  ///< [pairs]
    std::vector<std::uint32_t> row_b;
    bool identities_known = true;       ///< false: the folders of a `path path label` list are no people
    std::vector<std::string> warnings;  ///< what is odd about the lists
};

/// Throws a data error naming file and line for a pair whose image has no row or more than one, a usage error for two files
/// of one group. `source` names where the rows are from.
[[nodiscard]] RowPairs pair_rows(const std::vector<PairFile>& files, const std::vector<std::string>& paths,
                                 const std::string& source);

}  // namespace fairsweep
