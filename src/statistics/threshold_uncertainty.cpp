#include "statistics/threshold_uncertainty.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fairsweep/check.hpp"
#include "metrics/error_rates.hpp"
#include "metrics/fairness.hpp"
#include "statistics/quantiles.hpp"

namespace fairsweep {
namespace {

constexpr double kLargestWidening = 2.0;  // of variances: a ratio of two noisy estimates must not run away

/// What one replicate says: the best threshold of the weighted pairs, and their error at the threshold chosen.
struct Reweighted {
    double best_threshold = 0.0;
    double error = 0.0;
};

/// What a replicate asks of a pair, side by side: pairs stand by ascending score.
struct OrderedPair {
    std::uint32_t identity_a, identity_b;
    double score;
    bool genuine, wrong;
};

std::vector<OrderedPair> ordered_pairs(const ItemTable& table, std::span<const double> scores,
                                       std::span<const std::uint8_t> wrong) {
    std::vector<std::uint32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [scores](std::uint32_t a, std::uint32_t b) { return scores[a] < scores[b]; });
    std::vector<OrderedPair> pairs;
    pairs.reserve(order.size());
    for (const std::uint32_t p : order)
        pairs.push_back({table.identity_a[p], table.identity_b[p], scores[p], table.label[p] != 0, wrong[p] != 0});
    return pairs;
}

Reweighted reweigh(const IdentityBootstrap& bootstrap, std::span<const OrderedPair> pairs, std::uint32_t replicate) {
    std::int64_t gained = 0;  // right decisions more than at the lowest threshold, where everything matches
    std::int64_t best = 0;
    std::int64_t total = 0;
    std::int64_t errors = 0;
    std::size_t chosen = 0;
    for (std::size_t k = 0; k < pairs.size(); ++k) {
        const OrderedPair& pair = pairs[k];
        const std::int64_t weight = bootstrap.pair_weight(pair.identity_a, pair.identity_b, replicate);
        total += weight;
        errors += pair.wrong ? weight : 0;
        gained += pair.genuine ? -weight : weight;
        if (gained > best && k + 1 < pairs.size() && pairs[k + 1].score > pair.score) {
            best = gained;
            chosen = k + 1;
        }
    }
    return {.best_threshold = pairs[chosen].score,
            .error = total > 0 ? static_cast<double>(errors) / static_cast<double>(total) : 0.0};
}

void add_influence(std::vector<double>& influence, const PairSubset& subset, std::span<const std::uint8_t> flags, double weight) {
    const double rate = rate_of(subset, flags);
    const auto pairs = static_cast<double>(subset.pairs.size());
    for (const std::uint32_t p : subset.pairs) influence[p] += weight * ((flags[p] != 0 ? 1.0 : 0.0) - rate) / pairs;
}

}  // namespace

std::vector<std::uint8_t> errors_at(std::span<const double> scores, std::span<const std::uint8_t> genuine, double threshold) {
    FAIRSWEEP_CHECK(scores.size() == genuine.size(), "one score per pair");
    std::vector<std::uint8_t> wrong(scores.size());
    for (std::size_t p = 0; p < wrong.size(); ++p) wrong[p] = (scores[p] >= threshold) != (genuine[p] != 0) ? 1 : 0;
    return wrong;
}

double rate_of(const PairSubset& subset, std::span<const std::uint8_t> flags) {
    FAIRSWEEP_CHECK(!subset.pairs.empty(), "a rate needs pairs");
    std::uint32_t hits = 0;
    for (const std::uint32_t p : subset.pairs) hits += flags[p] != 0 ? 1U : 0U;
    return hits / static_cast<double>(subset.pairs.size());
}

double rule_of_three(std::uint32_t trials) { return trials > 3 ? 3.0 / trials : 1.0; }

ThresholdRange fmr_threshold_range(const RateEstimate& pooled_fmr, std::span<const double> scores,
                                   std::span<const std::uint8_t> genuine) {
    // A lower FMR is reached at a higher threshold.
    return {threshold_at_fmr(scores, genuine, pooled_fmr.interval.high).value(),
            threshold_at_fmr(scores, genuine, pooled_fmr.interval.low).value()};
}

ThresholdRange accurate_threshold_range(const PairClusters& clusters, const IdentityBootstrap& bootstrap, const ItemTable& table,
                                        std::span<const double> scores, double threshold, std::span<const std::uint8_t> wrong,
                                        std::uint32_t replicates) {
    FAIRSWEEP_CHECK(scores.size() == table.size() && wrong.size() == table.size(), "one score and one decision per pair");
    const std::vector<OrderedPair> pairs = ordered_pairs(table, scores, wrong);
    std::vector<double> thresholds, errors;
    for (std::uint32_t b = 0; b < std::min(replicates, bootstrap.replicates()); ++b) {
        const Reweighted one = reweigh(bootstrap, pairs, b);
        thresholds.push_back(one.best_threshold);
        errors.push_back(one.error);
    }
    const double weighted = sample_deviation(errors).value_or(0.0);
    // The product of weights counts the noise of impostor pairs three times: never widen by it.
    const double dyadic = std::sqrt(rate_estimate(clusters, clusters.everything(), wrong).variance);
    const double scale = weighted > 0.0 ? std::min(1.0, dyadic / weighted) : 1.0;
    const double reach = normal_quantile(kUpperTail) * scale * sample_deviation(thresholds).value_or(0.0);
    return {threshold - reach, threshold + reach};
}

Interval widened(const Interval& frozen, double rate, double rate_at_low, double rate_at_high, double widening) {
    const double up = std::max({0.0, rate_at_low - rate, rate_at_high - rate});
    const double down = std::max({0.0, rate - rate_at_low, rate - rate_at_high});
    return {std::max(0.0, rate - widening * std::hypot(rate - frozen.low, down)),
            std::min(1.0, rate + widening * std::hypot(frozen.high - rate, up))};
}

AtFmr::AtFmr(const PairClusters& clusters, const ItemTable& table, std::span<const double> scores,
             std::span<const std::uint8_t> wrong)
    : clusters_(&clusters), wrong_(wrong) {
    const RateEstimate pooled = rate_estimate(clusters, clusters.impostor(), wrong);
    range_ = fmr_threshold_range(pooled, scores, table.label);
    wrong_at_low_ = errors_at(scores, table.label, range_.low);
    wrong_at_high_ = errors_at(scores, table.label, range_.high);
}

const PairSubset& AtFmr::subset(std::uint32_t group, bool genuine) const {
    return genuine ? clusters_->genuine_of(group) : clusters_->impostor_of(group);
}

double AtFmr::slope(std::uint32_t group, bool genuine) const {
    const double pooled = rate_of(clusters_->impostor(), wrong_at_high_) - rate_of(clusters_->impostor(), wrong_at_low_);
    if (pooled == 0.0) return 0.0;
    return (rate_of(subset(group, genuine), wrong_at_high_) - rate_of(subset(group, genuine), wrong_at_low_)) / pooled;
}

std::vector<double> AtFmr::influence(std::uint32_t group, bool genuine) const {
    std::vector<double> influence(clusters_->pairs(), 0.0);
    add_influence(influence, subset(group, genuine), wrong_, 1.0);
    add_influence(influence, clusters_->impostor(), wrong_, -slope(group, genuine));
    return influence;
}

Interval AtFmr::fnmr(std::uint32_t group) const {
    const PairSubset& pairs = clusters_->genuine_of(group);
    const RateEstimate frozen = rate_estimate(*clusters_, pairs, wrong_);
    std::vector<double> own(clusters_->pairs(), 0.0);
    std::vector<double> threshold(clusters_->pairs(), 0.0);
    add_influence(own, pairs, wrong_, 1.0);
    add_influence(threshold, clusters_->impostor(), wrong_, -slope(group, true));
    const double apart = clusters_->variance(own) + clusters_->variance(threshold);
    const double together = clusters_->variance(influence(group, true));
    const double shared = apart > 0.0 ? std::clamp(together / apart, 1.0, kLargestWidening) : 1.0;
    return widened(frozen.interval, frozen.rate, rate_of(pairs, wrong_at_low_), rate_of(pairs, wrong_at_high_),
                   std::sqrt(shared));
}

Interval AtFmr::fmr(std::uint32_t group) const {
    const PairSubset& pairs = clusters_->impostor_of(group);
    const RateEstimate frozen = rate_estimate(*clusters_, pairs, wrong_);
    const double variance = clusters_->variance(influence(group, false));
    if (frozen.hits == 0 || frozen.hits == frozen.trials || !(variance > 0.0)) return frozen.interval;
    // The threshold takes up what all groups have in common: fewer groups leave less to chance.
    const double most = static_cast<double>(frozen.trials) * clusters_->groups();
    const double effective_n = std::min(most, frozen.rate * (1.0 - frozen.rate) / variance);
    return wilson_interval(frozen.rate, effective_n, std::max(1.0, pairs.identities - 1.0));
}

}  // namespace fairsweep
