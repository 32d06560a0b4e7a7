#pragma once
/// Sentences about changes between configurations. Extremes stand with their intervals and with what they belong to, and nothing
/// is pooled over an axis that the sentence does not name.
#include <string>
#include <vector>

#include "report/analysis.hpp"

namespace fairsweep {

/// Adjusted p values below this are clear of chance.
inline constexpr double kClearP = 0.05;

/// What each choice of bits and sparsity did to the average accuracy, relative to the sham twin: widths alone, then pruning
/// alone, then both.
[[nodiscard]] std::vector<std::string> cost_findings(const Analysis& analysis);
/// The primary family: did compression widen the gap of the group that was worst before?
[[nodiscard]] std::vector<std::string> gap_findings(const Analysis& analysis);
/// Other calibration data than the training set.
[[nodiscard]] std::vector<std::string> calibration_findings(const Analysis& analysis);
/// What the fine-tune did without any compression.
[[nodiscard]] std::vector<std::string> sham_findings(const Analysis& analysis);

}  // namespace fairsweep
