#include "report/network.hpp"

#include <limits>

#include "metrics/pair_checks.hpp"
#include "metrics/ten_fold.hpp"
#include "statistics/curve_estimates.hpp"
#include "statistics/threshold_uncertainty.hpp"

namespace fairsweep {
namespace {

double rate_or_nan(const PairSubset& subset, std::span<const std::uint8_t> flags) {
    return subset.pairs.empty() ? std::numeric_limits<double>::quiet_NaN() : rate_of(subset, flags);
}

void add_curve_influence(const EvaluationSet& set, std::uint32_t group, std::span<const double> scores, ScoredNetwork& network) {
    const std::size_t begin = set.pairs.group_begin[group];
    const std::size_t count = set.pairs.group_begin[group + 1] - begin;
    if (set.clusters.genuine_of(group).pairs.empty() || set.clusters.impostor_of(group).pairs.empty()) {
        network.eer_influence.resize(begin + count, 0.0F);
        network.auc_influence.resize(begin + count, 0.0F);
        return;
    }
    const CurveInfluence influence =
        curve_influence(scores.subspan(begin, count), std::span(set.pairs.label).subspan(begin, count));
    network.eer_influence.insert(network.eer_influence.end(), influence.eer.begin(), influence.eer.end());
    network.auc_influence.insert(network.auc_influence.end(), influence.auc.begin(), influence.auc.end());
}

/// Errors at the pooled threshold, and what its own uncertainty does to the rates.
void add_pooled_threshold(const EvaluationSet& set, std::span<const double> scores, ScoredNetwork& network) {
    const double threshold = network.figures.pooled_threshold;
    network.pooled_error = errors_at(scores, set.pairs.label, threshold);
    const ThresholdRange range =
        accurate_threshold_range(set.clusters, set.bootstrap, set.pairs, scores, threshold, network.pooled_error);
    const std::vector<std::uint8_t> at_low = errors_at(scores, set.pairs.label, range.low);
    const std::vector<std::uint8_t> at_high = errors_at(scores, set.pairs.label, range.high);
    bool has_both = true;
    for (std::uint32_t g = 0; g < set.clusters.groups(); ++g) {
        const PairSubset& impostor = set.clusters.impostor_of(g);
        const PairSubset& genuine = set.clusters.genuine_of(g);
        const PairSubset& all = set.clusters.all_of(g);
        network.nearby.push_back({rate_or_nan(impostor, at_low), rate_or_nan(impostor, at_high), rate_or_nan(genuine, at_low),
                                  rate_or_nan(genuine, at_high), rate_or_nan(all, at_low), rate_or_nan(all, at_high)});
        has_both = has_both && !impostor.pairs.empty() && !genuine.pairs.empty();
    }
    if (!has_both) return;
    RatesAtThreshold rates = rates_at_accuracy(set.clusters, set.bootstrap, network.pooled_error, at_low, at_high);
    if (index_fault(rates) == IndexFault::none) network.pooled_rates = std::move(rates);
}

}  // namespace

EvaluationSet::EvaluationSet(const ItemTable& pair_table, std::uint32_t replicates, std::uint64_t seed)
    : pairs(pair_table), clusters(pair_table), bootstrap(clusters.identities(), replicates, seed) {
    refuse_unusable_groups(pairs, "the pairs of the analysis file");
}

ScoredNetwork make_network(const EvaluationSet& set, std::span<const float> scores) {
    ScoredNetwork network;
    network.figures = verification_figures(set.pairs, scores);
    const std::vector<double> values(scores.begin(), scores.end());
    std::vector<double> inflation;
    for (std::uint32_t g = 0; g < set.pairs.groups.size(); ++g) {
        const std::uint32_t begin = set.pairs.group_begin[g];
        const std::uint32_t count = set.pairs.group_begin[g + 1] - begin;
        const TenFold folds =
            ten_fold_from_scores(std::span(values).subspan(begin, count), std::span(set.pairs.label).subspan(begin, count))
                .value();
        network.correct.insert(network.correct.end(), folds.correct.begin(), folds.correct.end());
        network.thresholds.push_back(threshold_replicates(set.bootstrap, set.pairs, g, values, folds));
        ThresholdInflation alone;
        alone.add(network.thresholds.back(), 1.0);
        inflation.push_back(alone.value());
        add_curve_influence(set, g, values, network);
    }
    add_pooled_threshold(set, values, network);
    network.accuracies = group_accuracies(set.clusters, set.bootstrap, network.correct, inflation);
    return network;
}

}  // namespace fairsweep
