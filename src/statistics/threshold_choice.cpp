#include "statistics/threshold_choice.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "fairsweep/check.hpp"
#include "metrics/fairness.hpp"

namespace fairsweep {
namespace {

/// Weighted right decisions of a fold at every threshold of the grid, and the weight of the fold.
struct WeightedFold {
    std::array<std::int64_t, kGridThresholds> correct{};
    std::int64_t total = 0;
};

struct WeightedPair {
    std::uint32_t accepted_from;
    bool genuine;
    std::uint32_t identity_a;
    std::uint32_t identity_b;
};

WeightedFold weigh(std::span<const WeightedPair> pairs, const IdentityBootstrap& bootstrap, std::uint32_t replicate) {
    WeightedFold fold;
    std::int64_t impostors = 0;
    for (const WeightedPair& pair : pairs) {
        const std::int64_t weight = bootstrap.pair_weight(pair.identity_a, pair.identity_b, replicate);
        fold.total += weight;
        if (!pair.genuine) impostors += weight;
        if (pair.accepted_from < kGridThresholds) fold.correct[pair.accepted_from] += pair.genuine ? weight : -weight;
    }
    std::int64_t correct = impostors;
    for (std::int64_t& value : fold.correct) value = correct += value;
    return fold;
}

std::uint32_t best_threshold_without(const std::array<std::int64_t, kGridThresholds>& all, const WeightedFold& fold) {
    std::uint32_t best = 0;
    for (std::uint32_t t = 1; t < kGridThresholds; ++t) {
        if (all[t] - fold.correct[t] > all[best] - fold.correct[best]) best = t;
    }
    return best;
}

}  // namespace

ThresholdReplicates threshold_replicates(const IdentityBootstrap& bootstrap, const ItemTable& table, std::uint32_t group,
                                         std::span<const double> scores, const TenFold& folds, std::uint32_t replicates) {
    FAIRSWEEP_CHECK(scores.size() == table.size(), "one score per pair");
    const std::uint32_t begin = table.group_begin[group];
    const std::uint32_t count = table.group_begin[group + 1] - begin;
    std::vector<WeightedPair> pairs;
    for (std::uint32_t p = begin; p < begin + count; ++p) {
        pairs.push_back({first_accepting_threshold(squared_distance(scores[p])), table.label[p] != 0, table.identity_a[p],
                         table.identity_b[p]});
    }
    ThresholdReplicates result;
    std::vector<WeightedFold> weighted(folds.folds());
    for (std::uint32_t b = 0; b < std::min(replicates, bootstrap.replicates()); ++b) {
        std::array<std::int64_t, kGridThresholds> all{};
        for (std::uint32_t fold = 0; fold < folds.folds(); ++fold) {
            const std::uint32_t first = folds.fold_begin[fold];
            weighted[fold] = weigh(std::span(pairs).subspan(first, folds.fold_begin[fold + 1] - first), bootstrap, b);
            for (std::uint32_t t = 0; t < kGridThresholds; ++t) all[t] += weighted[fold].correct[t];
        }
        double frozen = 0.0;
        double reselected = 0.0;
        double used_folds = 0.0;
        for (std::uint32_t fold = 0; fold < folds.folds(); ++fold) {
            if (weighted[fold].total == 0) continue;
            const auto total = static_cast<double>(weighted[fold].total);
            frozen += static_cast<double>(weighted[fold].correct[folds.threshold_index[fold]]) / total;
            reselected += static_cast<double>(weighted[fold].correct[best_threshold_without(all, weighted[fold])]) / total;
            used_folds += 1.0;
        }
        result.frozen.push_back(used_folds > 0.0 ? frozen / used_folds : 0.0);
        result.reselected.push_back(used_folds > 0.0 ? reselected / used_folds : 0.0);
    }
    return result;
}

void ThresholdInflation::add(const ThresholdReplicates& replicates, double weight) {
    frozen_.resize(replicates.frozen.size(), 0.0);
    reselected_.resize(replicates.reselected.size(), 0.0);
    for (std::size_t b = 0; b < frozen_.size(); ++b) {
        frozen_[b] += weight * replicates.frozen[b];
        reselected_[b] += weight * replicates.reselected[b];
    }
}

double ThresholdInflation::value() const {
    const double frozen = sample_deviation(frozen_).value_or(0.0);
    const double reselected = sample_deviation(reselected_).value_or(0.0);
    return frozen > 0.0 ? std::max(1.0, std::pow(reselected / frozen, 2)) : 1.0;
}

}  // namespace fairsweep
