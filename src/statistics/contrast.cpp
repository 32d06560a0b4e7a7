#include "statistics/contrast.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fairsweep/check.hpp"
#include "statistics/quantiles.hpp"

namespace fairsweep {
namespace {

double people_degrees_of_freedom(double people, double subsets) { return std::max(1.0, people - subsets); }

}  // namespace

Interval wilson_interval(double rate, double effective_n, double degrees_of_freedom) {
    const double q = student_t_quantile(kUpperTail, degrees_of_freedom);
    const double shrink = q * q / effective_n;
    const double centre = (rate + shrink / 2.0) / (1.0 + shrink);
    const double half = q / (1.0 + shrink) * std::sqrt(rate * (1.0 - rate) / effective_n + shrink / (4.0 * effective_n));
    // The interval holds the rate; at rates of 0 and 1 rounding must not say otherwise.
    return {std::min(rate, std::max(0.0, centre - half)), std::max(rate, std::min(1.0, centre + half))};
}

Estimate t_estimate(double value, double variance, double degrees_of_freedom) {
    const double half = student_t_quantile(kUpperTail, degrees_of_freedom) * std::sqrt(variance);
    return {value, variance, degrees_of_freedom, {value - half, value + half}};
}

RateEstimate rate_estimate(const PairClusters& clusters, const PairSubset& subset, std::span<const std::uint8_t> flags,
                           double variance_inflation) {
    LinearContrast contrast(clusters);
    contrast.add(subset, flags, 1.0);
    RateEstimate result;
    result.trials = static_cast<std::uint32_t>(subset.pairs.size());
    for (const std::uint32_t p : subset.pairs) result.hits += flags[p] != 0 ? 1U : 0U;
    result.rate = contrast.value();
    const double trials = result.trials;
    const double spread = result.rate * (1.0 - result.rate);
    if (result.hits == 0 || result.hits == result.trials) {
        result.effective_n = std::min<double>(trials, subset.identities);
        const double shifted = 0.5 / (result.effective_n + 1.0);  // the error rate half an error would give
        result.variance = shifted * (1.0 - shifted) / result.effective_n;
    } else {
        const double dyadic = clusters.variance(contrast.influence());
        result.effective_n = (dyadic > 0.0 ? std::min(trials, spread / dyadic) : trials) / variance_inflation;
        result.variance = spread / result.effective_n;
    }
    result.interval = wilson_interval(result.rate, result.effective_n, people_degrees_of_freedom(subset.identities, 1.0));
    return result;
}

LinearContrast::LinearContrast(const PairClusters& clusters) : clusters_(&clusters), influence_(clusters.pairs(), 0.0) {}

void LinearContrast::add(const PairSubset& subset, std::span<const std::uint8_t> flags, double weight) {
    FAIRSWEEP_CHECK(!subset.pairs.empty() && flags.size() == influence_.size(), "a rate needs pairs and one flag for each");
    const auto pairs = static_cast<double>(subset.pairs.size());
    double hits = 0.0;
    for (const std::uint32_t p : subset.pairs) hits += flags[p] != 0 ? 1.0 : 0.0;
    const double rate = hits / pairs;
    for (const std::uint32_t p : subset.pairs) influence_[p] += weight * ((flags[p] != 0 ? 1.0 : 0.0) - rate) / pairs;
    value_ += weight * rate;
    const auto known = std::find_if(parts_.begin(), parts_.end(), [&](const Part& part) { return part.subset == &subset; });
    if (known == parts_.end())
        parts_.push_back({&subset, std::abs(weight)});
    else
        known->largest_weight = std::max(known->largest_weight, std::abs(weight));
}

double LinearContrast::variance() const {
    double one_flip = 0.0;
    for (const Part& part : parts_) one_flip += std::pow(part.largest_weight / static_cast<double>(part.subset->pairs.size()), 2);
    return std::max(one_flip, clusters_->variance(influence_));
}

double LinearContrast::degrees_of_freedom() const {
    double people = 0.0;
    for (const Part& part : parts_) people += part.subset->identities;
    return people_degrees_of_freedom(people, static_cast<double>(parts_.size()));
}

Estimate seed_mean_estimate(double identity_variance, double identity_degrees_of_freedom, std::span<const double> value_of_seed) {
    FAIRSWEEP_CHECK(!value_of_seed.empty(), "a mean needs a seed");
    const auto seeds = static_cast<double>(value_of_seed.size());
    const double mean = std::accumulate(value_of_seed.begin(), value_of_seed.end(), 0.0) / seeds;
    double squares = 0.0;
    for (const double value : value_of_seed) squares += (value - mean) * (value - mean);
    const double seed_variance = seeds > 1.0 ? squares / (seeds - 1.0) / seeds : 0.0;
    const double total = identity_variance + seed_variance;
    double scale = identity_variance * identity_variance / identity_degrees_of_freedom;
    if (seeds > 1.0) scale += seed_variance * seed_variance / (seeds - 1.0);
    return t_estimate(mean, total, scale > 0.0 ? total * total / scale : identity_degrees_of_freedom);
}

double interaction_deviation(std::span<const std::vector<double>> value) {
    if (value.size() < 2 || value.front().size() < 2) return 0.0;
    const auto seeds = static_cast<double>(value.size());
    const auto groups = static_cast<double>(value.front().size());
    std::vector<double> of_group(value.front().size(), 0.0);
    double whole = 0.0;
    for (const std::vector<double>& seed : value) {
        for (std::size_t g = 0; g < seed.size(); ++g) of_group[g] += seed[g] / seeds;
        whole += std::accumulate(seed.begin(), seed.end(), 0.0) / (groups * seeds);
    }
    double squares = 0.0;
    for (const std::vector<double>& seed : value) {
        const double of_seed = std::accumulate(seed.begin(), seed.end(), 0.0) / groups;
        for (std::size_t g = 0; g < seed.size(); ++g) squares += std::pow(seed[g] - of_seed - of_group[g] + whole, 2);
    }
    return std::sqrt(squares / ((seeds - 1.0) * (groups - 1.0)));
}

}  // namespace fairsweep
