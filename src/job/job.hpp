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

/// A variable that a data path of a job names and the environment does not define.
struct UnsetVariable {
    std::string data;      ///< "ms1mv2"
    std::string variable;  ///< "DATA"
    std::string where;     ///< "jobs/demo.cfg, line 12, key data.ms1mv2.path"
};
/// All of them, in the order of the file. Reads as load_job() does and throws what it throws.
[[nodiscard]] std::vector<UnsetVariable> unset_variables(const std::filesystem::path& path,
                                                         const std::vector<std::string>& overrides);

}  // namespace fairsweep
