#pragma once
/// The sections [axes] and [axes.NAME] of a job file, and the words of rules about axes.
#include <string>
#include <vector>

#include "fairsweep/sweep.hpp"
#include "job/job_entries.hpp"

namespace fairsweep {

/// Whether the name is that of a section of axes.
[[nodiscard]] bool is_axes_section(const std::string& section);
/// Keys that may stand there, the recipe's with "recipe." before them.
[[nodiscard]] const std::vector<std::string>& axes_keys();

/// Sets the sweep's axes and blocks, and its recipe: some of its keys may be axes. Its arms and data sets are read already.
/// With sections [axes.NAME] the sweep has one block for each, where [axes] gives what they do not; else [axes] is the only one.
/// Throws a usage error that names the entry.
void read_axes(const JobEntries& entries, Sweep& sweep);

/// One value of the axis at that place of Sweep::axes. Throws a usage error that names the entry when there is none like it.
[[nodiscard]] AxisValue read_axis_value(const JobEntry& entry, const Sweep& sweep, std::size_t axis, const std::string& text);

/// "a, b, c"
[[nodiscard]] std::string joined(const std::vector<std::string>& words);

/// Refuses a name that is no data set of the job.
void require_data(const JobEntry& entry, const std::string& name, const Sweep& sweep);
[[nodiscard]] std::vector<std::string> data_names(const Sweep& sweep);

}  // namespace fairsweep
