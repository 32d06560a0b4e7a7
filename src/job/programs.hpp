#pragma once
/// The sections [program.NAME] of a job file: programs of the user's that make networks, embeddings or scores.
#include <string>
#include <string_view>
#include <vector>

#include "fairsweep/sweep.hpp"
#include "job/job_entries.hpp"

namespace fairsweep {

inline constexpr std::string_view kProgramPrefix = "program.";
[[nodiscard]] bool is_program_section(const std::string& section);
[[nodiscard]] const std::vector<std::string>& program_keys();

/// Fills Sweep::programs. Throws a usage error that names the entry.
void read_programs(const JobEntries& entries, Sweep& sweep);

/// A word of recipe.program: "none" or the name of a section. Throws a usage error.
void require_program(const JobEntry& entry, const std::string& name, const Sweep& sweep);

/// When all else has been read: every word of [recipe] program is a program, every program is chosen somewhere, and nothing is
/// measured of networks that a program does not leave. Throws a usage error.
void check_programs(const JobEntries& entries, const Sweep& sweep);

}  // namespace fairsweep
