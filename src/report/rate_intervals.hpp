#pragma once
/// Intervals, no-bias references and reasons for what stands at one threshold of a score report: rates of groups under both
/// questions (threshold chosen anew, threshold frozen) and the fairness indices.
#include <span>
#include <string>

#include "report/score_report.hpp"
#include "statistics/clusters.hpp"

namespace fairsweep {

/// What a report is made from.
struct ScoredPairs {
    const ItemTable* pairs = nullptr;
    std::span<const double> scores;
    const PairClusters* clusters = nullptr;
    const IdentityBootstrap* bootstrap = nullptr;  ///< null: too many people for one
    std::uint64_t seed = 1;
};

/// How the threshold of `at` was chosen.
struct ThresholdRule {
    bool most_accurate = false;
    double fmr = 0.0;  ///< the x of "fmr=x"; not used for the most accurate one
};

/// Adds to the report what belongs to `at`, whose threshold and rates are there already; fills in its indices.
void judge_threshold(ScoreReport& report, ScoreReport::At& at, const ThresholdRule& rule, const ScoredPairs& scored);

/// EER and AUC of a group that has both: intervals "groups.G.eer" and "groups.G.auc".
void judge_curve(ScoreReport& report, std::uint32_t group, const ScoredPairs& scored);

}  // namespace fairsweep
