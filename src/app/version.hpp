#pragma once
#include <string>

namespace fairsweep {
[[nodiscard]] std::string version_line();  ///< "0.1.0 (commit 1234567)": goes into every result
[[nodiscard]] std::string version_text();  ///< the same and the libraries it was built with, several lines
}  // namespace fairsweep
