#pragma once
/// Where the columns of a table of scores are: by their own names, or by those that --columns gives.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/csv_reader.hpp"

namespace fairsweep {

enum ScoreColumn : std::size_t { kGroup, kSame, kScore, kIdentityA, kIdentityB, kFold, kScoreColumns };

/// Names in the file by our names: {"group", "race"}. An empty name: as if the file had no such column.
using ColumnNames = std::map<std::string, std::string>;

/// "group=race,same=label". Throws a usage error for anything that is no such list, or names no column of ours.
[[nodiscard]] ColumnNames parse_column_names(const std::string& text);

using ColumnPlaces = std::array<std::optional<std::size_t>, kScoreColumns>;

struct ScoreHeader {
    std::size_t columns = 0;
    ColumnPlaces places;
};

/// Reads the first line and finds group, same and score in it; letters' case does not matter. Throws a data error that shows
/// the columns found, with a hint for --columns.
[[nodiscard]] ScoreHeader read_score_header(CsvReader& reader, const ColumnNames& names);

}  // namespace fairsweep
