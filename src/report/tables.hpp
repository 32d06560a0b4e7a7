#pragma once
/// The analysis as tables: for the analysis file (and so for the page), as CSV, and as plain text for the terminal.
#include <filesystem>
#include <string>
#include <vector>

#include "report/analysis.hpp"

namespace fairsweep {

/// In the place of a text that does not apply.
inline constexpr const char* kNoText = "none";

/// `points`, `groups`, `configurations`, `configuration_groups`, `contrasts`, `planted`, `banner`, `findings`, `warnings`,
/// `conventions`, `overview`, `not_done`. No text in them is empty: what is absent is "none".
[[nodiscard]] std::vector<ResultTable> result_tables(const AnalysisInput& input, const Analysis& analysis);

/// What was run, on what, by which program: name and text of each line.
[[nodiscard]] ResultTable overview_table(const AnalysisInput& input, const Analysis& analysis);

/// One CSV file (RFC 4180, UTF-8, header, empty cell: undefined) per table, and README.md with units and conventions.
/// Throws an infrastructure error when the folder cannot be written to.
void write_csv_folder(const std::filesystem::path& folder, const std::vector<ResultTable>& tables);

/// Means over seeds with intervals, the findings and the warnings, for people at a terminal.
[[nodiscard]] std::string terminal_text(const AnalysisInput& input, const Analysis& analysis);

}  // namespace fairsweep
