#pragma once
/// Intervals, no-bias references and reasons for what stands at one threshold of a score report: rates of groups under both
/// questions (threshold chosen anew, threshold frozen) and the fairness indices.
#include <span>

#include "report/score_report.hpp"
#include "report/summary.hpp"

namespace fairsweep {

/// Adds to the report what belongs to the most accurate threshold, whose rates are in `at` already; fills in its indices.
void judge_accurate_threshold(ScoreReport& report, ScoreReport::At& at, const Summary& summary, const PairErrors& errors,
                              const EvaluationSet& set);
/// The same of the threshold whose pooled FMR is `fmr`.
void judge_threshold_at_fmr(ScoreReport& report, ScoreReport::At& at, double fmr, std::span<const double> scores,
                            const EvaluationSet& set);

}  // namespace fairsweep
