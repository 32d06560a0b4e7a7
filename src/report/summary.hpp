#pragma once
/// The figures of one network, or the means over the networks of several seeds, with 95 % intervals.
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "report/network.hpp"

namespace fairsweep {

inline constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

/// Accuracies of pairs below this are close to guessing, where gaps shrink for the wrong reason: marked "floor".
inline constexpr double kFloorAccuracyPercent = 60.0;
/// The same of a set: with classes a fifth of the way from guessing (one of them) to all right, as 60 % is with pairs.
[[nodiscard]] double floor_percent(const EvaluationSet& set);

struct Figure {
    double value = kUndefined;
    Interval interval{kUndefined, kUndefined};
};

/// Rates are fractions, accuracies percent, spreads percentage points; means over seeds where there are several.
struct GroupSummary {
    Figure accuracy;         ///< by the task's protocol
    Figure accuracy_pooled;  ///< at the pooled threshold
    Figure fmr;              ///< at the pooled threshold; the interval counts that the threshold may lie elsewhere
    Figure fnmr;
    Interval fmr_frozen{kUndefined, kUndefined};  ///< the same at this very threshold, kept from now on
    Interval fnmr_frozen{kUndefined, kUndefined};
    Figure eer;
    Figure auc;
    std::vector<Figure> recalls;            ///< [classes] percent; of tasks that have some
    double balanced_accuracy = kUndefined;  ///< mean of the recalls of classes that are there, percent
    double seed_deviation = kUndefined;     ///< sd of the accuracy between seeds, points; undefined with one seed
    bool floor = false;
};

struct Summary {
    Figure average;
    Figure deviation;            ///< STD over groups, ddof 1
    Figure error_ratio;          ///< SER
    Figure gap;                  ///< best minus worst group
    std::size_t best_group = 0;  ///< the first of best_groups
    std::size_t worst_group = 0;
    std::vector<std::size_t> best_groups, worst_groups;  ///< all that tie, ascending
    double worst_error = kUndefined;                     ///< percent, 100 - the worst group's accuracy
    Interval worst_error_interval{kUndefined, kUndefined};
    double homogeneity_p = kUndefined;
    NoBias deviation_no_bias{kUndefined, kUndefined};
    NoBias error_ratio_no_bias{kUndefined, kUndefined};
    Figure fdr;  ///< at the pooled threshold, alpha 0.5; undefined where a group expects fewer than 3 errors of a kind
    Figure inequity;
    Figure garbe_index;
    NoBias fdr_no_bias{kUndefined, kUndefined};  ///< p95: chance keeps FDR above it in 95 % of cases
    NoBias inequity_no_bias{kUndefined, kUndefined};
    NoBias garbe_no_bias{kUndefined, kUndefined};
    std::vector<GroupSummary> groups;
    [[nodiscard]] bool has_floor() const;
};

/// One element per seed, at least one.
[[nodiscard]] Summary summarise(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds);

/// Mean over seeds of `weight` times a group's accuracy, as contrast and inflation; what summaries and contrasts are made of.
class AccuracyContrast {
public:
    explicit AccuracyContrast(const EvaluationSet& set);
    void add(const ScoredNetwork& network, std::uint32_t group, double weight);
    [[nodiscard]] double value() const { return contrast_.value(); }
    [[nodiscard]] double variance() const { return contrast_.variance() * inflation_.value(); }
    [[nodiscard]] double degrees_of_freedom() const { return contrast_.degrees_of_freedom(); }

private:
    const EvaluationSet* set_;
    LinearContrast contrast_;
    ThresholdInflation inflation_;
};

/// Fractions to percent.
[[nodiscard]] Interval in_percent(const Interval& fractions);

}  // namespace fairsweep
