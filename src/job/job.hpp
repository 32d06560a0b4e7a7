#pragma once
/// The job file: what a user writes, read and checked into a Sweep. The grammar by example is jobs/README.md.
#include <filesystem>
#include <string>
#include <vector>

#include "fairsweep/sweep.hpp"

namespace fairsweep {

/// `origin` names the text in messages ("jobs/demo.cfg"); each override is "section.key=value" and wins over the file.
/// Relative data paths stay relative to the working directory; ${VAR} and ${VAR:-default} in them come from the
/// environment, undefined ones stay as written (the data then count as missing).
/// Throws one usage error that names file, line, key, what was found and what was expected.
[[nodiscard]] Sweep parse_job(const std::string& text, const std::string& origin, const std::vector<std::string>& overrides);

/// The same from a file of at most 1 MiB; a usage error when it cannot be read.
[[nodiscard]] Sweep load_job(const std::filesystem::path& path, const std::vector<std::string>& overrides);

}  // namespace fairsweep
