#include "statistics/curve_estimates.hpp"

#include <algorithm>
#include <cmath>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

/// Scores of one kind, ascending.
std::vector<double> sorted_scores(std::span<const double> scores, std::span<const std::uint8_t> genuine, bool want_genuine) {
    std::vector<double> result;
    for (std::size_t i = 0; i < scores.size(); ++i)
        if ((genuine[i] != 0) == want_genuine) result.push_back(scores[i]);
    std::sort(result.begin(), result.end());
    return result;
}

/// Share of `sorted` below a score, ties counted one half.
double share_below(const std::vector<double>& sorted, double score) {
    const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), score);
    const auto below = static_cast<double>(first - sorted.begin());
    return (below + 0.5 * static_cast<double>(last - first)) / static_cast<double>(sorted.size());
}

double share_from(const std::vector<double>& sorted, double threshold) {
    const auto below = std::lower_bound(sorted.begin(), sorted.end(), threshold) - sorted.begin();
    return 1.0 - static_cast<double>(below) / static_cast<double>(sorted.size());
}

/// The first score at which misses are as frequent as false matches, or more so.
double crossing(const std::vector<double>& genuine, const std::vector<double>& impostor) {
    std::vector<double> all(genuine);
    all.insert(all.end(), impostor.begin(), impostor.end());
    std::sort(all.begin(), all.end());
    const auto misses_rule = [&](double threshold) {
        return 1.0 - share_from(genuine, threshold) >= share_from(impostor, threshold);
    };
    const auto place = std::partition_point(all.begin(), all.end(), [&](double t) { return !misses_rule(t); });
    return place == all.end() ? all.back() : *place;
}

/// Weight of the impostor pairs' residual in the EER: the genuine curve's share of both slopes.
double impostor_weight(const std::vector<double>& genuine, const std::vector<double>& impostor, double threshold) {
    const double rate = 0.5 * (share_from(impostor, threshold) + 1.0 - share_from(genuine, threshold));
    const auto fewest = static_cast<double>(std::min(genuine.size(), impostor.size()));
    const double half = std::max(2.0 / fewest, 2.0 * std::sqrt(rate * (1.0 - rate) / fewest));
    const auto impostor_quantile = [&](double fmr) {
        const auto rank = static_cast<std::size_t>(std::clamp(1.0 - fmr, 0.0, 1.0) * static_cast<double>(impostor.size() - 1));
        return impostor[rank];
    };
    const double low = impostor_quantile(rate + half);
    const double high = impostor_quantile(rate - half);
    const double impostor_fall = share_from(impostor, low) - share_from(impostor, high);
    const double genuine_rise = share_from(genuine, low) - share_from(genuine, high);
    return impostor_fall + genuine_rise > 0.0 ? genuine_rise / (impostor_fall + genuine_rise) : 0.5;
}

/// As if no person were in two pairs. Where few people are in all pairs their shares cancel out, and the dyadic variance comes
/// out as nothing: it is never taken for less than this.
double independent_variance(const PairSubset& pairs, std::span<const double> influence) {
    double sum = 0.0;
    for (const std::uint32_t pair : pairs.pairs) sum += influence[pair] * influence[pair];
    return sum;
}

}  // namespace

CurveInfluence curve_influence(std::span<const double> scores, std::span<const std::uint8_t> genuine) {
    FAIRSWEEP_CHECK(scores.size() == genuine.size(), "one score per pair");
    const std::vector<double> same = sorted_scores(scores, genuine, true);
    const std::vector<double> different = sorted_scores(scores, genuine, false);
    FAIRSWEEP_CHECK(!same.empty() && !different.empty(), "EER and AUC need both kinds of pairs");
    const double threshold = crossing(same, different);
    const double fmr = share_from(different, threshold);
    const double fnmr = 1.0 - share_from(same, threshold);
    const double weight = impostor_weight(same, different, threshold);
    CurveInfluence result;
    double auc = 0.0;
    for (const double score : same) auc += share_below(different, score) / static_cast<double>(same.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const bool match = scores[i] >= threshold;
        if (genuine[i] != 0) {
            const auto count = static_cast<double>(same.size());
            result.eer.push_back((1.0 - weight) * ((match ? 0.0 : 1.0) - fnmr) / count);
            result.auc.push_back((share_below(different, scores[i]) - auc) / count);
        } else {
            const auto count = static_cast<double>(different.size());
            result.eer.push_back(weight * ((match ? 1.0 : 0.0) - fmr) / count);
            result.auc.push_back((1.0 - share_below(same, scores[i]) - auc) / count);
        }
    }
    return result;
}

Interval curve_interval(const PairClusters& clusters, std::uint32_t group, double value, std::span<const double> influence) {
    const PairSubset& pairs = clusters.all_of(group);
    const double people = std::max(1.0, pairs.identities - 1.0);
    const double variance = std::max(clusters.variance(influence), independent_variance(pairs, influence));
    const double spread = value * (1.0 - value);
    const bool at_edge = !(spread > 0.0) || !(variance > 0.0);
    return wilson_interval(
        value, at_edge ? std::min<double>(pairs.identities, static_cast<double>(pairs.pairs.size())) : spread / variance, people);
}

}  // namespace fairsweep
