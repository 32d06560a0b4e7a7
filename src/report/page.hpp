#pragma once
/// Starts the Python program that draws the page from an analysed file.
#include <filesystem>

namespace fairsweep {

/// The interpreter: $FAIRSWEEP_PYTHON, else the one that scripts/setup made. Throws an infrastructure error with what to
/// do when there is none that can be started.
[[nodiscard]] std::filesystem::path report_interpreter();

/// Draws `output` (.html or .md, else a usage error) from `analysis_file`. Waits for the end. Throws infrastructure when the
/// interpreter fails.
void draw_page(const std::filesystem::path& analysis_file, const std::filesystem::path& output);

}  // namespace fairsweep
