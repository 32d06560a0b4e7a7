#pragma once
/// The axes of words that say how networks are compressed: `pruning` and `distillation`.
#include <string>
#include <vector>

#include "fairsweep/sweep.hpp"
#include "job/job_entries.hpp"

namespace fairsweep {

void read_compression_axes(const JobEntries& entries, Sweep& sweep);

/// Throws a usage Error that lists the words when the value of the axis `pruning` is none.
void check_pruning_value(const JobEntry& entry, const std::string& value);

/// The losses, each also as a chain of teacher assistants.
[[nodiscard]] std::vector<std::string> distillation_names();

/// "a, b, c"
[[nodiscard]] std::string joined(const std::vector<std::string>& words);

}  // namespace fairsweep
