#pragma once
/// The tables of docs/states.md.
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep::testing {

/// Cells of every table line in the section, without blanks around and without backticks.
inline std::vector<std::vector<std::string>> document_rows(const std::string& heading) {
    const std::string text = read_text_file(std::string(FAIRSWEEP_SOURCE_DIR) + "/docs/states.md", 1 << 20);
    const std::size_t begin = text.find(heading + "\n");
    const std::size_t end = text.find("\n## ", begin + 1);
    std::vector<std::vector<std::string>> rows;
    for (const std::string& line : split(text.substr(begin, end - begin), '\n')) {
        if (line.rfind("| `", 0) != 0) continue;
        std::vector<std::string> cells;
        for (std::string cell : split(line.substr(1, line.rfind('|') - 1), '|')) {
            std::erase(cell, '`');
            const std::size_t first = cell.find_first_not_of(' ');
            cells.push_back(first == std::string::npos ? "" : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
        }
        rows.push_back(std::move(cells));
    }
    return rows;
}

/// The row of that word in the table with so many columns.
inline std::optional<std::vector<std::string>> document_row(const std::string& heading, const std::string& word,
                                                            std::size_t columns) {
    for (const auto& row : document_rows(heading)) {
        if (row.size() == columns && row.front() == word) return row;
    }
    return std::nullopt;
}

using Changes = std::set<std::pair<std::string, std::string>>;

/// The table "from, to, when" of the section.
inline Changes documented_changes(const std::string& heading) {
    Changes changes;
    for (const auto& row : document_rows(heading)) {
        if (row.size() == 3 && row[1] != "yes" && row[1] != "no") changes.emplace(row[0], row[1]);
    }
    return changes;
}

}  // namespace fairsweep::testing
