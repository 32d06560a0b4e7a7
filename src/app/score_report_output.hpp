#pragma once
/// A score report for people and for scripts.
#include <string>

#include "report/score_report.hpp"

namespace fairsweep {

/// One JSON object; its keys are fixed (docs/weights.md). Undefined values are null.
[[nodiscard]] std::string score_report_json(const ScoreReport& report);
/// Tables of a few lines, warnings at the end; "-" stands for what is undefined.
[[nodiscard]] std::string score_report_table(const ScoreReport& report);

}  // namespace fairsweep
