#include "report/summary.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "metrics/fairness.hpp"
#include "statistics/curve_estimates.hpp"
#include "statistics/index_intervals.hpp"
#include "statistics/threshold_uncertainty.hpp"

namespace fairsweep {
namespace {

Interval clipped(const Interval& interval, double low, double high) {
    return {std::max(low, interval.low), std::min(high, interval.high)};
}

/// Mean over seeds of a rate: Wilson with one seed, t with identity and seed variance with several.
Figure mean_rate(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds, const PairSubset& subset,
                 const std::function<std::span<const std::uint8_t>(const ScoredNetwork&)>& flags) {
    if (subset.pairs.empty()) return {};
    if (seeds.size() == 1) {
        const RateEstimate rate = rate_estimate(set.clusters, subset, flags(*seeds[0]));
        return {rate.rate, rate.interval};
    }
    LinearContrast mean(set.clusters);
    std::vector<double> values;
    for (const ScoredNetwork* network : seeds) {
        LinearContrast one(set.clusters);
        one.add(subset, flags(*network), 1.0);
        values.push_back(one.value());
        mean.add(subset, flags(*network), 1.0 / static_cast<double>(seeds.size()));
    }
    const Estimate estimate = seed_mean_estimate(mean.variance(), mean.degrees_of_freedom(), values);
    return {estimate.value, clipped(estimate.interval, 0.0, 1.0)};
}

/// The frozen interval, moved out by the mean over seeds of how far the rate moves within the threshold's range.
Interval with_threshold(std::span<const ScoredNetwork* const> seeds, const Figure& frozen, std::uint32_t group,
                        double RatesNearby::*at_low, double RatesNearby::*at_high, double rate_of_seed(const GroupFigures&)) {
    if (std::isnan(frozen.value) || seeds.front()->errors->nearby.empty()) return {kUndefined, kUndefined};
    double low = 0.0;
    double high = 0.0;
    for (const ScoredNetwork* network : seeds) {
        const double rate = rate_of_seed(network->errors->figures.groups[group]);
        low += (network->errors->nearby[group].*at_low - rate) / static_cast<double>(seeds.size());
        high += (network->errors->nearby[group].*at_high - rate) / static_cast<double>(seeds.size());
    }
    return widened(frozen.interval, frozen.value, frozen.value + low, frozen.value + high);
}

/// Mean over seeds of EER or AUC: Wilson with one seed, t with identity and seed variance with several.
Figure mean_curve_figure(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds, std::uint32_t group,
                         std::vector<float> PairErrors::*influence, double GroupFigures::*figure) {
    std::vector<double> values;
    std::vector<double> mean_influence(set.items.size(), 0.0);
    for (const ScoredNetwork* network : seeds) {
        values.push_back(network->errors->figures.groups[group].*figure);
        for (std::uint32_t p = set.items.group_begin[group]; p < set.items.group_begin[group + 1]; ++p)
            mean_influence[p] += static_cast<double>((*network->errors.*influence)[p]) / static_cast<double>(seeds.size());
    }
    const double mean = average(values).value();
    if (std::isnan(mean)) return {};
    if (seeds.size() == 1) return {mean, curve_interval(set.clusters, group, mean, mean_influence)};
    const auto pairs = static_cast<double>(set.clusters.all_of(group).pairs.size());
    const double people = std::max(1.0, set.clusters.all_of(group).identities - 1.0);
    const double variance = std::max(set.clusters.variance(mean_influence), 1.0 / (pairs * pairs));
    return {mean, clipped(seed_mean_estimate(variance, people, values).interval, 0.0, 1.0)};
}

Figure percent(const Figure& fraction) { return {100.0 * fraction.value, in_percent(fraction.interval)}; }

double mean_over(std::span<const ScoredNetwork* const> seeds, const std::function<double(const ScoredNetwork&)>& value) {
    double sum = 0.0;
    for (const ScoredNetwork* network : seeds) sum += value(*network);
    return sum / static_cast<double>(seeds.size());
}

/// Whether the accuracies of all groups have intervals.
bool all_judged(std::span<const ScoredNetwork* const> seeds) {
    return std::none_of(seeds.begin(), seeds.end(), [](const ScoredNetwork* n) { return n->accuracies.rates.empty(); });
}

Figure mean_accuracy(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds, std::uint32_t group) {
    // The protocol's own figure may be a mean over folds; it differs from the share of right items only when folds do in size.
    const double value = mean_over(seeds, [group](const ScoredNetwork& n) { return n.accuracy_percent[group]; });
    if (!all_judged(seeds)) return {value, {kUndefined, kUndefined}};
    if (seeds.size() == 1) return {value, in_percent(seeds[0]->accuracies.rates[group].interval)};
    AccuracyContrast mean(set);
    std::vector<double> values;
    for (const ScoredNetwork* network : seeds) {
        mean.add(*network, group, 1.0 / static_cast<double>(seeds.size()));
        values.push_back(network->accuracies.rates[group].rate);
    }
    const Estimate estimate = seed_mean_estimate(mean.variance(), mean.degrees_of_freedom(), values);
    return {value, clipped(in_percent(estimate.interval), 0.0, 100.0)};
}

/// What verification has besides accuracies.
void summarise_errors(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds, std::uint32_t group,
                      GroupSummary& summary) {
    summary.eer = mean_curve_figure(set, seeds, group, &PairErrors::eer_influence, &GroupFigures::eer);
    summary.auc = mean_curve_figure(set, seeds, group, &PairErrors::auc_influence, &GroupFigures::auc);
    if (seeds.front()->errors->pooled_error.empty()) return;
    const auto errors = [](const ScoredNetwork& network) { return std::span<const std::uint8_t>(network.errors->pooled_error); };
    Figure pooled_error = mean_rate(set, seeds, set.clusters.all_of(group), errors);
    pooled_error.interval = with_threshold(seeds, pooled_error, group, &RatesNearby::error_at_low, &RatesNearby::error_at_high,
                                           [](const GroupFigures& f) { return 1.0 - f.accuracy_pooled / 100.0; });
    pooled_error = percent(pooled_error);
    summary.accuracy_pooled = {100.0 - pooled_error.value,
                               {100.0 - pooled_error.interval.high, 100.0 - pooled_error.interval.low}};
    summary.fmr = mean_rate(set, seeds, set.clusters.impostor_of(group), errors);
    summary.fnmr = mean_rate(set, seeds, set.clusters.genuine_of(group), errors);
    summary.fmr_frozen = summary.fmr.interval;
    summary.fnmr_frozen = summary.fnmr.interval;
    summary.fmr.interval = with_threshold(seeds, summary.fmr, group, &RatesNearby::fmr_at_low, &RatesNearby::fmr_at_high,
                                          [](const GroupFigures& f) { return f.fmr; });
    summary.fnmr.interval = with_threshold(seeds, summary.fnmr, group, &RatesNearby::fnmr_at_low, &RatesNearby::fnmr_at_high,
                                           [](const GroupFigures& f) { return f.fnmr; });
}

/// What classification has besides accuracies.
void summarise_classes(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds, std::uint32_t group,
                       GroupSummary& summary) {
    const auto right = [](const ScoredNetwork& network) { return std::span<const std::uint8_t>(network.correct); };
    std::vector<double> there;
    for (const PairSubset& of_class : set.of_class[group]) {
        summary.recalls.push_back(percent(mean_rate(set, seeds, of_class, right)));
        if (!std::isnan(summary.recalls.back().value)) there.push_back(summary.recalls.back().value);
    }
    summary.balanced_accuracy = average(there).value_or(kUndefined);
}

GroupSummary summarise_group(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds, std::uint32_t group) {
    GroupSummary summary;
    summary.accuracy = mean_accuracy(set, seeds, group);
    if (seeds.front()->errors) summarise_errors(set, seeds, group, summary);
    if (set.classes > 0) summarise_classes(set, seeds, group, summary);
    std::vector<double> accuracies;
    for (const ScoredNetwork* network : seeds) accuracies.push_back(network->accuracy_percent[group]);
    summary.seed_deviation = sample_deviation(accuracies).value_or(kUndefined);
    summary.floor = summary.accuracy.value < floor_percent(set);
    return summary;
}

Figure mean_average(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds) {
    const double value =
        mean_over(seeds, [](const ScoredNetwork& n) { return average(n.accuracy_percent).value_or(kUndefined); });
    if (!all_judged(seeds)) return {value, {kUndefined, kUndefined}};
    AccuracyContrast mean(set);
    const double groups = set.groups();
    std::vector<double> values;
    for (const ScoredNetwork* network : seeds) {
        for (std::uint32_t g = 0; g < set.groups(); ++g)
            mean.add(*network, g, 1.0 / (groups * static_cast<double>(seeds.size())));
        values.push_back(average(network->accuracies.accuracies()).value());
    }
    const Estimate estimate = seed_mean_estimate(mean.variance(), mean.degrees_of_freedom(), values);
    return {value, clipped(in_percent(estimate.interval), 0.0, 100.0)};
}

/// Mean over seeds of a fairness index of FMR and FNMR at the pooled threshold; undefined where any seed's is.
double mean_index(std::span<const RatesAtThreshold* const> seeds,
                  std::optional<double> index(std::span<const double>, std::span<const double>, double)) {
    double mean = 0.0;
    for (const RatesAtThreshold* rates : seeds) {
        std::vector<double> fmr;
        std::vector<double> fnmr;
        for (const RateEstimate& rate : rates->fmr) fmr.push_back(rate.rate);
        for (const RateEstimate& rate : rates->fnmr) fnmr.push_back(rate.rate);
        mean += index(fmr, fnmr, 0.5).value_or(kUndefined) / static_cast<double>(seeds.size());
    }
    return mean;
}

void summarise_indices(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds, Summary& summary) {
    std::vector<const RatesAtThreshold*> rates;
    for (const ScoredNetwork* network : seeds) {
        if (!network->errors || !network->errors->pooled_rates) return;
        rates.push_back(&*network->errors->pooled_rates);
    }
    const IndexIntervals intervals = index_intervals(rates, set.seed);
    summary.fdr = {mean_index(rates, fairness_discrepancy_rate), intervals.fdr};
    summary.inequity = {mean_index(rates, inequity_rate), intervals.ir};
    summary.garbe_index = {mean_index(rates, garbe), intervals.garbe};
    summary.fdr_no_bias = intervals.fdr_no_bias;
    summary.inequity_no_bias = intervals.ir_no_bias;
    summary.garbe_no_bias = intervals.garbe_no_bias;
}

/// All groups whose accuracy is the highest, or the lowest, but for rounding.
std::vector<std::size_t> groups_at(const std::vector<GroupSummary>& groups, bool highest) {
    constexpr double kTiePoints = 1e-9;  // sums of the same counts in another order differ by 1e-13
    std::vector<double> values;
    for (const GroupSummary& group : groups) values.push_back(highest ? group.accuracy.value : -group.accuracy.value);
    const double best = *std::max_element(values.begin(), values.end());
    std::vector<std::size_t> result;
    for (std::size_t g = 0; g < values.size(); ++g)
        if (values[g] >= best - kTiePoints) result.push_back(g);
    return result;
}

void summarise_spread(std::span<const ScoredNetwork* const> seeds, Summary& summary) {
    summary.deviation.value =
        mean_over(seeds, [](const ScoredNetwork& n) { return sample_deviation(n.accuracy_percent).value_or(kUndefined); });
    summary.error_ratio.value =
        mean_over(seeds, [](const ScoredNetwork& n) { return skewed_error_ratio(n.accuracy_percent).value_or(kUndefined); });
    summary.gap.value =
        mean_over(seeds, [](const ScoredNetwork& n) { return largest_gap(n.accuracy_percent).value_or(kUndefined); });
    if (!all_judged(seeds)) return;
    std::vector<const GroupAccuracies*> accuracies;
    for (const ScoredNetwork* network : seeds) accuracies.push_back(&network->accuracies);
    const auto intervals = seed_mean_spread_intervals(accuracies);
    if (!intervals) return;
    summary.deviation.interval = in_percent(intervals->deviation);
    summary.gap.interval = in_percent(intervals->gap);
    summary.error_ratio.interval = intervals->error_ratio;
    summary.homogeneity_p = intervals->homogeneity_p;
    summary.deviation_no_bias = {100.0 * intervals->deviation_no_bias.mean, 100.0 * intervals->deviation_no_bias.p95};
    summary.error_ratio_no_bias = intervals->error_ratio_no_bias;
}

}  // namespace

Interval in_percent(const Interval& fractions) { return {100.0 * fractions.low, 100.0 * fractions.high}; }

double floor_percent(const EvaluationSet& set) {
    if (set.classes == 0) return kFloorAccuracyPercent;
    const double guessing = 100.0 / static_cast<double>(set.classes);
    return guessing + 0.2 * (100.0 - guessing);
}

bool Summary::has_floor() const {
    return std::any_of(groups.begin(), groups.end(), [](const GroupSummary& group) { return group.floor; });
}

AccuracyContrast::AccuracyContrast(const EvaluationSet& set) : set_(&set), contrast_(set.clusters) {}

void AccuracyContrast::add(const ScoredNetwork& network, std::uint32_t group, double weight) {
    contrast_.add(set_->clusters.all_of(group), network.correct, weight);
    if (!network.thresholds.empty()) inflation_.add(network.thresholds[group], weight);
}

Summary summarise(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds) {
    Summary summary;
    for (std::uint32_t g = 0; g < set.groups(); ++g) summary.groups.push_back(summarise_group(set, seeds, g));
    summary.average = mean_average(set, seeds);
    summarise_indices(set, seeds, summary);
    if (std::isnan(summary.average.value)) return summary;  // a group has no accuracy: none is the worst
    summary.worst_groups = groups_at(summary.groups, false);
    summary.best_groups = groups_at(summary.groups, true);
    summary.worst_group = summary.worst_groups.front();
    summary.best_group = summary.best_groups.front();
    const GroupSummary* const worst = &summary.groups[summary.worst_group];
    summary.worst_error = 100.0 - worst->accuracy.value;
    summary.worst_error_interval = {100.0 - worst->accuracy.interval.high, 100.0 - worst->accuracy.interval.low};
    summarise_spread(seeds, summary);
    return summary;
}

}  // namespace fairsweep
