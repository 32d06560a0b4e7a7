#include "report/summary.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "metrics/fairness.hpp"

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

Figure percent(const Figure& fraction) { return {100.0 * fraction.value, in_percent(fraction.interval)}; }

Figure mean_accuracy(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds, std::uint32_t group) {
    if (seeds.size() == 1) {
        const RateEstimate& rate = seeds[0]->accuracies.rates[group];
        return {100.0 * rate.rate, in_percent(rate.interval)};
    }
    AccuracyContrast mean(set);
    std::vector<double> values;
    for (const ScoredNetwork* network : seeds) {
        mean.add(*network, group, 1.0 / static_cast<double>(seeds.size()));
        values.push_back(network->accuracies.rates[group].rate);
    }
    const Estimate estimate = seed_mean_estimate(mean.variance(), mean.degrees_of_freedom(), values);
    return {100.0 * estimate.value, clipped(in_percent(estimate.interval), 0.0, 100.0)};
}

double mean_over(std::span<const ScoredNetwork* const> seeds, const std::function<double(const ScoredNetwork&)>& value) {
    double sum = 0.0;
    for (const ScoredNetwork* network : seeds) sum += value(*network);
    return sum / static_cast<double>(seeds.size());
}

GroupSummary summarise_group(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds, std::uint32_t group) {
    GroupSummary summary;
    summary.accuracy = mean_accuracy(set, seeds, group);
    // The protocol's own figure is a mean over folds; it differs from the share of right pairs only when folds do in size.
    summary.accuracy.value =
        mean_over(seeds, [group](const ScoredNetwork& n) { return n.figures.groups[group].accuracy_10fold; });
    const auto errors = [](const ScoredNetwork& network) { return std::span<const std::uint8_t>(network.pooled_error); };
    const Figure pooled_error = percent(mean_rate(set, seeds, set.clusters.all_of(group), errors));
    summary.accuracy_pooled = {100.0 - pooled_error.value,
                               {100.0 - pooled_error.interval.high, 100.0 - pooled_error.interval.low}};
    summary.fmr = mean_rate(set, seeds, set.clusters.impostor_of(group), errors);
    summary.fnmr = mean_rate(set, seeds, set.clusters.genuine_of(group), errors);
    summary.eer = mean_over(seeds, [group](const ScoredNetwork& n) { return n.figures.groups[group].eer; });
    summary.auc = mean_over(seeds, [group](const ScoredNetwork& n) { return n.figures.groups[group].auc; });
    std::vector<double> accuracies;
    for (const ScoredNetwork* network : seeds) accuracies.push_back(network->figures.groups[group].accuracy_10fold);
    summary.seed_deviation = sample_deviation(accuracies).value_or(kUndefined);
    summary.floor = summary.accuracy.value < kFloorAccuracyPercent;
    return summary;
}

Figure mean_average(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds) {
    AccuracyContrast mean(set);
    const double groups = set.clusters.groups();
    std::vector<double> values;
    for (const ScoredNetwork* network : seeds) {
        for (std::uint32_t g = 0; g < set.clusters.groups(); ++g)
            mean.add(*network, g, 1.0 / (groups * static_cast<double>(seeds.size())));
        values.push_back(average(network->accuracies.accuracies()).value());
    }
    const Estimate estimate = seed_mean_estimate(mean.variance(), mean.degrees_of_freedom(), values);
    return {100.0 * estimate.value, clipped(in_percent(estimate.interval), 0.0, 100.0)};
}

std::vector<double> group_accuracies_percent(const ScoredNetwork& network) {
    std::vector<double> values;
    for (const GroupFigures& group : network.figures.groups) values.push_back(group.accuracy_10fold);
    return values;
}

/// A fairness index of FMR and FNMR at the pooled threshold; undefined where any group's rate is.
double index_of(const ScoredNetwork& network,
                const std::function<std::optional<double>(std::span<const double>, std::span<const double>)>& index) {
    std::vector<double> fmr;
    std::vector<double> fnmr;
    for (const GroupFigures& group : network.figures.groups) {
        if (std::isnan(group.fmr) || std::isnan(group.fnmr)) return kUndefined;
        fmr.push_back(group.fmr);
        fnmr.push_back(group.fnmr);
    }
    return index(fmr, fnmr).value_or(kUndefined);
}

void summarise_spread(std::span<const ScoredNetwork* const> seeds, Summary& summary) {
    summary.deviation.value = mean_over(
        seeds, [](const ScoredNetwork& n) { return sample_deviation(group_accuracies_percent(n)).value_or(kUndefined); });
    summary.error_ratio.value = mean_over(
        seeds, [](const ScoredNetwork& n) { return skewed_error_ratio(group_accuracies_percent(n)).value_or(kUndefined); });
    summary.gap.value =
        mean_over(seeds, [](const ScoredNetwork& n) { return largest_gap(group_accuracies_percent(n)).value_or(kUndefined); });
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

bool Summary::has_floor() const {
    return std::any_of(groups.begin(), groups.end(), [](const GroupSummary& group) { return group.floor; });
}

AccuracyContrast::AccuracyContrast(const EvaluationSet& set) : set_(&set), contrast_(set.clusters) {}

void AccuracyContrast::add(const ScoredNetwork& network, std::uint32_t group, double weight) {
    contrast_.add(set_->clusters.all_of(group), network.correct, weight);
    inflation_.add(network.thresholds[group], weight);
}

Summary summarise(const EvaluationSet& set, std::span<const ScoredNetwork* const> seeds) {
    Summary summary;
    for (std::uint32_t g = 0; g < set.clusters.groups(); ++g) summary.groups.push_back(summarise_group(set, seeds, g));
    const auto by_accuracy = [](const GroupSummary& a, const GroupSummary& b) { return a.accuracy.value < b.accuracy.value; };
    const auto [worst, best] = std::minmax_element(summary.groups.begin(), summary.groups.end(), by_accuracy);
    summary.worst_group = static_cast<std::size_t>(worst - summary.groups.begin());
    summary.best_group = static_cast<std::size_t>(best - summary.groups.begin());
    summary.worst_error = 100.0 - worst->accuracy.value;
    summary.worst_error_interval = {100.0 - worst->accuracy.interval.high, 100.0 - worst->accuracy.interval.low};
    summary.average = mean_average(set, seeds);
    summary.average.value = mean_over(seeds, [](const ScoredNetwork& n) { return average(group_accuracies_percent(n)).value(); });
    summarise_spread(seeds, summary);
    summary.pooled_threshold = mean_over(seeds, [](const ScoredNetwork& n) { return n.figures.pooled_threshold; });
    summary.fdr = mean_over(seeds, [](const ScoredNetwork& n) {
        return index_of(n, [](auto a, auto b) { return fairness_discrepancy_rate(a, b); });
    });
    summary.inequity =
        mean_over(seeds, [](const ScoredNetwork& n) { return index_of(n, [](auto a, auto b) { return inequity_rate(a, b); }); });
    summary.garbe_index =
        mean_over(seeds, [](const ScoredNetwork& n) { return index_of(n, [](auto a, auto b) { return garbe(a, b); }); });
    return summary;
}

}  // namespace fairsweep
