#pragma once
/// One trained network as statistics sees it: what it decided on every pair of the evaluation set.
#include <span>
#include <vector>

#include "fairsweep/pairs.hpp"
#include "metrics/evaluation.hpp"
#include "statistics/spread.hpp"
#include "statistics/threshold_choice.hpp"

namespace fairsweep {

/// What all networks of an analysis share.
struct EvaluationSet {
    /// Throws a data error for a group with fewer than ten pairs, or with pairs of one kind only.
    EvaluationSet(const PairTable& pair_table, std::uint32_t replicates, std::uint64_t seed);
    PairTable pairs;
    PairClusters clusters;
    IdentityBootstrap bootstrap;
};

struct ScoredNetwork {
    VerificationFigures figures;
    std::vector<std::uint8_t> correct;            ///< [pairs] by the ten-fold protocol of the pair's group
    std::vector<std::uint8_t> pooled_error;       ///< [pairs] 1: decided wrongly at the pooled threshold
    std::vector<ThresholdReplicates> thresholds;  ///< [groups]
    GroupAccuracies accuracies;                   ///< ten-fold, with the choice of thresholds counted
};

/// Throws a data error when a score is not finite.
[[nodiscard]] ScoredNetwork make_network(const EvaluationSet& set, std::span<const float> scores);

}  // namespace fairsweep
