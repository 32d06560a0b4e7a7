#pragma once
/// The one way from what a matcher or network says of the items to what was decided: sweeps (analysis.hpp) and tables of scores
/// (score_report.hpp) alike. Figures with their intervals are made of it by summary.hpp.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fairsweep/items.hpp"
#include "metrics/evaluation.hpp"
#include "statistics/index_intervals.hpp"
#include "statistics/spread.hpp"
#include "statistics/threshold_choice.hpp"

namespace fairsweep {

struct BootstrapOptions {
    std::uint32_t replicates = 1000;  ///< 0: none, for more people than its weights have room for
    std::uint64_t seed = 1;
};

/// What all networks of an analysis share.
struct EvaluationSet {
    /// `classes` of the task's items; 0 where it has none. Groups may be of any kind: see refuse_unusable().
    EvaluationSet(const ItemTable& item_table, const BootstrapOptions& options, std::string task_name = "verification",
                  std::size_t class_count = 0);
    [[nodiscard]] std::size_t groups() const { return items.groups.size(); }

    std::string task;
    std::size_t classes;
    ItemTable items;
    PairClusters clusters;
    std::uint64_t seed;
    std::optional<IdentityBootstrap> bootstrap;
    std::vector<std::vector<PairSubset>> of_class;  ///< [groups][classes]
};

/// Throws a data error for groups that a sweep cannot be judged on: verification, fewer than ten pairs or pairs of one kind only;
/// classification, no image.
void refuse_unusable(const EvaluationSet& set, const std::string& where);

/// How far the rates of a group move where the pooled threshold may lie elsewhere; fractions, NaN without such pairs.
struct RatesNearby {
    double fmr_at_low, fmr_at_high;
    double fnmr_at_low, fnmr_at_high;
    double error_at_low, error_at_high;
};

/// What verification decides at the pooled threshold, and the curves' figures.
struct PairErrors {
    VerificationFigures figures;
    std::vector<std::uint8_t> pooled_error;           ///< [pairs] 1: decided wrongly there; empty without a threshold
    std::vector<RatesNearby> nearby;                  ///< [groups] at the ends of its range; empty without a bootstrap
    std::optional<RatesAtThreshold> pooled_rates;     ///< empty where a group has one kind of pairs only, or indices a fault
    std::vector<float> eer_influence, auc_influence;  ///< [pairs] 0 where a group has one kind of pairs only
};

struct ScoredNetwork {
    std::vector<double> accuracy_percent;         ///< [groups] by the task's protocol; NaN: undefined
    std::vector<std::uint8_t> correct;            ///< [items] by that protocol; empty where a group has no accuracy
    std::vector<ThresholdReplicates> thresholds;  ///< [groups] of what chose the decisions; empty: nothing was chosen
    GroupAccuracies accuracies;                   ///< with that choice counted; empty where a group has none, or no bootstrap
    std::vector<std::uint32_t> folds;             ///< [groups] of verification's protocol; 0: undefined
    std::optional<PairErrors> errors;             ///< verification
};

/// `responses` [items, values per item]. `folds` [groups]: of verification, empty for ten contiguous ones. Throws a data error
/// when one is not finite, or their number is not the items'.
[[nodiscard]] ScoredNetwork make_network(const EvaluationSet& set, std::span<const double> responses,
                                         std::span<const FoldBounds> folds = {});
/// Of a sweep, on groups that are usable: every group has an accuracy, or it throws a data error.
[[nodiscard]] ScoredNetwork make_network(const EvaluationSet& set, std::span<const float> responses);

}  // namespace fairsweep
