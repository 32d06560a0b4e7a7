#pragma once
/// One trained network as statistics sees it: what it decided on every pair of the evaluation set.
#include <optional>
#include <span>
#include <vector>

#include "fairsweep/items.hpp"
#include "metrics/evaluation.hpp"
#include "statistics/index_intervals.hpp"
#include "statistics/spread.hpp"
#include "statistics/threshold_choice.hpp"

namespace fairsweep {

/// What all networks of an analysis share.
struct EvaluationSet {
    /// Throws a data error for a group with fewer than ten pairs, or with pairs of one kind only.
    EvaluationSet(const ItemTable& pair_table, std::uint32_t replicates, std::uint64_t seed);
    ItemTable pairs;
    PairClusters clusters;
    IdentityBootstrap bootstrap;
};

/// How far the rates of a group move where the pooled threshold may lie elsewhere; fractions, NaN without such pairs.
struct RatesNearby {
    double fmr_at_low, fmr_at_high;
    double fnmr_at_low, fnmr_at_high;
    double error_at_low, error_at_high;
};

struct ScoredNetwork {
    VerificationFigures figures;
    std::vector<std::uint8_t> correct;                ///< [pairs] by the ten-fold protocol of the pair's group
    std::vector<std::uint8_t> pooled_error;           ///< [pairs] 1: decided wrongly at the pooled threshold
    std::vector<RatesNearby> nearby;                  ///< [groups] at the ends of the pooled threshold's range
    std::optional<RatesAtThreshold> pooled_rates;     ///< empty where a group has one kind of pairs only, or indices a fault
    std::vector<float> eer_influence, auc_influence;  ///< [pairs] 0 where a group has one kind of pairs only
    std::vector<ThresholdReplicates> thresholds;      ///< [groups]
    GroupAccuracies accuracies;                       ///< ten-fold, with the choice of thresholds counted
};

/// Throws a data error when a score is not finite.
[[nodiscard]] ScoredNetwork make_network(const EvaluationSet& set, std::span<const float> scores);

}  // namespace fairsweep
