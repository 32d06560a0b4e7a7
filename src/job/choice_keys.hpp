#pragma once
/// Recipe keys whose value is one of a few words, and lists of numbers.
#include <string>
#include <vector>

#include "fairsweep/sweep.hpp"
#include "job/job_entries.hpp"

namespace fairsweep {

[[nodiscard]] std::vector<std::string> choice_key_names();
/// Sets the fields that the job names; throws a usage Error that shows the words.
void read_choices(const JobEntries& entries, Recipe& recipe);

/// What the preset `modern` changes in training: warm-up and cosine, Nesterov, and the same for the fine-tune.
void set_modern_training(Recipe& recipe);

}  // namespace fairsweep
