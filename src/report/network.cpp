#include "report/network.hpp"

#include "metrics/pair_checks.hpp"
#include "metrics/ten_fold.hpp"

namespace fairsweep {

EvaluationSet::EvaluationSet(const PairTable& pair_table, std::uint32_t replicates, std::uint64_t seed)
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
            ten_fold_from_scores(std::span(values).subspan(begin, count), std::span(set.pairs.genuine).subspan(begin, count))
                .value();
        network.correct.insert(network.correct.end(), folds.correct.begin(), folds.correct.end());
        network.thresholds.push_back(threshold_replicates(set.bootstrap, set.pairs, g, values, folds));
        ThresholdInflation alone;
        alone.add(network.thresholds.back(), 1.0);
        inflation.push_back(alone.value());
    }
    for (std::size_t p = 0; p < values.size(); ++p) {
        const bool match = values[p] >= network.figures.pooled_threshold;
        network.pooled_error.push_back(match == (set.pairs.genuine[p] != 0) ? 0 : 1);
    }
    network.accuracies = group_accuracies(set.clusters, set.bootstrap, network.correct, inflation);
    return network;
}

}  // namespace fairsweep
