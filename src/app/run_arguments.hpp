#pragma once
#include <optional>

#include "commands.hpp"
#include "run/run_options.hpp"

namespace fairsweep {

/// The words of `fairsweep run` as a value. Nothing when --help was asked for. Usage errors for everything that is wrong with the
/// words or with the environment's FAIRSWEEP_*_S.
[[nodiscard]] std::optional<RunOptions> parse_run_options(const Arguments& arguments);

}  // namespace fairsweep
