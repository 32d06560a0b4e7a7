/// Tidy CSV files of result tables.
#include <cmath>

#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"
#include "report/tables.hpp"

namespace fairsweep {
namespace {

std::string quoted(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string result = "\"";
    for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
    return result + "\"";
}

std::string cell(const ResultColumn& column, std::size_t row) {
    if (const auto* numbers = std::get_if<std::vector<double>>(&column.values)) {
        return std::isfinite((*numbers)[row]) ? exact_number((*numbers)[row]) : "";
    }
    if (const auto* counts = std::get_if<std::vector<std::int64_t>>(&column.values)) return std::to_string((*counts)[row]);
    return quoted(std::get<std::vector<std::string>>(column.values)[row]);
}

std::size_t rows_of(const ResultTable& table) {
    return table.columns.empty() ? 0 : std::visit([](const auto& values) { return values.size(); }, table.columns[0].values);
}

std::string csv_text(const ResultTable& table) {
    std::string text;
    for (std::size_t c = 0; c < table.columns.size(); ++c) text += (c == 0 ? "" : ",") + quoted(table.columns[c].name);
    text += "\n";
    for (std::size_t row = 0; row < rows_of(table); ++row) {
        for (std::size_t c = 0; c < table.columns.size(); ++c) text += (c == 0 ? "" : ",") + cell(table.columns[c], row);
        text += "\n";
    }
    return text;
}

std::string readme_text(const std::vector<ResultTable>& tables) {
    std::string text =
        "# Tables of a fairsweep analysis\n\nEmpty cells are undefined numbers; a text is never empty: \"none\" is what does not "
        "apply. "
        "`_low` and `_high` are the limits of 95 % intervals, `_fraction` is from 0 to 1, `_percent` from 0 to 100. A group that "
        "is "
        "called NA or null is missing to pandas unless it reads with keep_default_na=False.\n";
    for (const ResultTable& table : tables) {
        text += "\n## " + table.name + ".csv\n\n";
        for (const ResultColumn& column : table.columns) {
            text += "- `" + column.name + "`" + (column.unit.empty() ? "" : ": " + column.unit) + "\n";
        }
    }
    text += "\n## Conventions\n\n";
    for (const auto& [name, convention] : tables.front().attributes) text += "- **" + name + "**: " + convention + "\n";
    return text;
}

}  // namespace

void write_csv_folder(const std::filesystem::path& folder, const std::vector<ResultTable>& tables) {
    make_writable_folder(folder);
    for (const ResultTable& table : tables) write_file_atomically(folder / (table.name + ".csv"), csv_text(table));
    write_file_atomically(folder / "README.md", readme_text(tables));
}

}  // namespace fairsweep
