#include "statistics/spread.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "fairsweep/check.hpp"
#include "fairsweep/random.hpp"
#include "metrics/fairness.hpp"
#include "statistics/quantiles.hpp"

namespace fairsweep {
namespace {

constexpr double kHomogeneityLevel = 0.025;  // reference/intervals.md rule 2, by simulation

std::int8_t poisson_one(double uniform) {
    double probability = 0.36787944117144233;  // exp(-1)
    double cumulative = probability;
    std::int8_t value = 0;
    while (uniform >= cumulative && value < 20) {
        ++value;
        probability /= value;
        cumulative += probability;
    }
    return value;
}

double sum_of_squares(std::span<const double> values) {
    double sum = 0.0;
    for (const double value : values) sum += value * value;
    return sum;
}

double standard_deviation(std::span<const double> values) { return sample_deviation(values).value_or(0.0); }

/// Percentile by linear interpolation between order statistics.
double percentile(std::vector<double> values, double p) {
    std::sort(values.begin(), values.end());
    const double place = p * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

/// A figure of spread of one network's group accuracies.
using Metric = std::function<double(const GroupAccuracies& groups, std::span<const double> accuracies)>;

/// Replicates of a figure around the estimated accuracies.
std::vector<double> replicates_of(const GroupAccuracies& groups, bool rescaled, const Metric& metric) {
    const std::vector<double> accuracies = groups.accuracies();
    std::vector<double> moved(accuracies.size());
    std::vector<double> values(groups.raw_deviations.front().size());
    for (std::size_t b = 0; b < values.size(); ++b) {
        for (std::size_t g = 0; g < moved.size(); ++g) {
            moved[g] = accuracies[g] + (rescaled ? groups.scale[g] : 1.0) * groups.raw_deviations[g][b];
        }
        values[b] = metric(groups, moved);
    }
    return values;
}

double deviation_metric(const GroupAccuracies&, std::span<const double> accuracies) { return standard_deviation(accuracies); }
double gap_metric(const GroupAccuracies&, std::span<const double> accuracies) { return largest_gap(accuracies).value(); }

/// log of (worst error + 0.5) / (best error + 0.5), as rates, so that groups may differ in size.
double log_ratio_metric(const GroupAccuracies& groups, std::span<const double> accuracies) {
    double low = std::numeric_limits<double>::infinity();
    double high = 0.0;
    for (std::size_t g = 0; g < accuracies.size(); ++g) {
        const double trials = groups.rates[g].trials;
        const double error = (std::max(0.0, trials * (1.0 - accuracies[g])) + 0.5) / (trials + 1.0);
        low = std::min(low, error);
        high = std::max(high, error);
    }
    return std::log(high / low);
}

void add_scaled(std::vector<double>& sum, std::span<const double> values, double factor) {
    sum.resize(values.size(), 0.0);
    for (std::size_t i = 0; i < values.size(); ++i) sum[i] += factor * values[i];
}

/// The same ratio itself.
double ratio_metric(const GroupAccuracies& groups, std::span<const double> accuracies) {
    return std::exp(log_ratio_metric(groups, accuracies));
}

/// Mean over seeds of a figure: its replicates, and estimate and standard error with the variance between seeds.
struct SeedMean {
    std::vector<double> replicates;
    Estimate estimate;
};

SeedMean seed_mean(std::span<const GroupAccuracies* const> seeds, const Metric& metric) {
    const double share = 1.0 / static_cast<double>(seeds.size());
    SeedMean result;
    std::vector<double> values;
    for (const GroupAccuracies* groups : seeds) {
        add_scaled(result.replicates, replicates_of(*groups, true, metric), share);
        values.push_back(metric(*groups, groups->accuracies()));
    }
    // The normal quantile for what the people contribute, as in the simulation: infinite degrees of freedom.
    result.estimate =
        seed_mean_estimate(std::pow(standard_deviation(result.replicates), 2), std::numeric_limits<double>::infinity(), values);
    return result;
}

/// The estimate's own interval, or [0, percentile] when the groups may well be equal.
Interval hybrid(const SeedMean& mean, bool groups_differ) {
    const Interval& two_sided = mean.estimate.interval;
    if (groups_differ) return {std::max(0.0, two_sided.low), two_sided.high};
    // Seeds widen the upper limit as much as they widen the two-sided one.
    const double replicate_deviation = standard_deviation(mean.replicates);
    const double widening = replicate_deviation > 0.0 ? std::sqrt(mean.estimate.variance) / replicate_deviation : 1.0;
    const double reach = percentile(mean.replicates, 0.5 + kConfidence / 2.0) - mean.estimate.value;
    return {0.0, mean.estimate.value + std::max(0.0, reach) * std::max(1.0, widening)};
}

/// Mean over seeds of a figure when all groups have the mean accuracy of their network: people move the accuracies as in
/// the replicates, and the luck of each training moves each group of each network.
NoBias no_bias_of(std::span<const GroupAccuracies* const> seeds, const Metric& metric) {
    std::vector<std::vector<double>> accuracies;
    for (const GroupAccuracies* groups : seeds) accuracies.push_back(groups->accuracies());
    const double luck = interaction_deviation(accuracies);
    RandomStream stream(seeds.size(), 0, "luck of training");
    std::vector<double> means(seeds.front()->raw_deviations.front().size(), 0.0);
    for (double& mean : means) {
        const auto b = static_cast<std::size_t>(&mean - means.data());
        for (std::size_t s = 0; s < seeds.size(); ++s) {
            const double common = average(accuracies[s]).value();
            std::vector<double> moved;
            for (std::size_t g = 0; g < accuracies[s].size(); ++g) {
                const double people = seeds[s]->scale[g] * seeds[s]->raw_deviations[g][b];
                moved.push_back(common + people + (luck > 0.0 ? luck * stream.normal() : 0.0));
            }
            mean += metric(*seeds[s], moved) / static_cast<double>(seeds.size());
        }
    }
    return {average(means).value(), percentile(means, 0.95)};
}

/// p value of equality for the seed means of the accuracies, with identity and between-seed variance.
double seed_mean_homogeneity(std::span<const GroupAccuracies* const> seeds) {
    const double share = 1.0 / static_cast<double>(seeds.size());
    std::vector<double> accuracies;
    std::vector<double> variances;
    for (std::size_t g = 0; g < seeds.front()->rates.size(); ++g) {
        std::vector<double> values;
        std::vector<double> deviations;
        for (const GroupAccuracies* groups : seeds) {
            values.push_back(groups->rates[g].rate);
            add_scaled(deviations, groups->raw_deviations[g], share * groups->scale[g]);
        }
        double identity = std::pow(standard_deviation(deviations), 2);
        if (seeds.size() == 1 || identity == 0.0) identity = seeds.front()->rates[g].variance;
        const Estimate mean = seed_mean_estimate(identity, std::numeric_limits<double>::infinity(), values);
        accuracies.push_back(mean.value);
        variances.push_back(mean.variance);
    }
    return homogeneity_p_value(accuracies, variances);
}

/// Derivative of STD (ddof 1) with respect to each group's accuracy; zeros where all are equal.
std::vector<double> deviation_gradient(std::span<const double> accuracies) {
    const double mean = average(accuracies).value();
    const double deviation = standard_deviation(accuracies);
    std::vector<double> gradient(accuracies.size(), 0.0);
    if (deviation == 0.0) return gradient;
    for (std::size_t g = 0; g < gradient.size(); ++g) {
        gradient[g] = (accuracies[g] - mean) / (static_cast<double>(accuracies.size() - 1) * deviation);
    }
    return gradient;
}

}  // namespace

IdentityBootstrap::IdentityBootstrap(std::uint32_t identities, std::uint32_t replicates, std::uint64_t seed)
    : identities_(identities), replicates_(replicates), seed_(seed) {
    of_identity_.resize(std::size_t{identities} * replicates);
    of_replicate_.resize(of_identity_.size());
    for (std::uint32_t i = 0; i < identities; ++i) {
        RandomStream stream(seed, i, "bootstrap");
        for (std::uint32_t b = 0; b < replicates; ++b) {
            const auto weight = static_cast<std::int8_t>(poisson_one(stream.uniform()) - 1);
            of_identity_[std::size_t{i} * replicates + b] = weight;
            of_replicate_[std::size_t{b} * identities + i] = weight;
        }
    }
}

std::vector<double> IdentityBootstrap::deviations(std::span<const double> identity_sums) const {
    FAIRSWEEP_CHECK(identity_sums.size() == identities_, "one sum per person");
    std::vector<double> result(replicates_, 0.0);
    for (std::size_t i = 0; i < identity_sums.size(); ++i) {
        if (identity_sums[i] == 0.0) continue;
        const std::int8_t* weights = of_identity_.data() + i * replicates_;
        for (std::size_t b = 0; b < replicates_; ++b) result[b] += identity_sums[i] * weights[b];
    }
    return result;
}

std::vector<double> GroupAccuracies::accuracies() const {
    std::vector<double> values;
    for (const RateEstimate& rate : rates) values.push_back(rate.rate);
    return values;
}

void GroupAccuracies::add_deviations(std::vector<std::vector<double>>& sum, double factor) const {
    sum.resize(rates.size());
    for (std::size_t g = 0; g < rates.size(); ++g) add_scaled(sum[g], raw_deviations[g], factor * scale[g]);
}

GroupAccuracies group_accuracies(const PairClusters& clusters, const IdentityBootstrap& bootstrap,
                                 std::span<const std::uint8_t> correct, std::span<const double> variance_inflation) {
    GroupAccuracies result;
    for (std::uint32_t g = 0; g < clusters.groups(); ++g) {
        const PairSubset& subset = clusters.all_of(g);
        result.rates.push_back(
            rate_estimate(clusters, subset, correct, variance_inflation.empty() ? 1.0 : variance_inflation[g]));
        LinearContrast accuracy(clusters);
        accuracy.add(subset, correct, 1.0);
        const std::vector<double> sums = clusters.identity_sums(accuracy.influence());
        const double bootstrap_variance = sum_of_squares(sums);
        result.raw_deviations.push_back(bootstrap.deviations(sums));
        result.scale.push_back(bootstrap_variance > 0.0 ? std::sqrt(result.rates.back().variance / bootstrap_variance) : 0.0);
    }
    return result;
}

double homogeneity_p_value(std::span<const double> accuracies, std::span<const double> variances) {
    FAIRSWEEP_CHECK(accuracies.size() == variances.size(), "one variance per group");
    if (accuracies.size() < 2) return 1.0;
    double weights = 0.0;
    double weighted = 0.0;
    for (std::size_t g = 0; g < accuracies.size(); ++g) {
        weights += 1.0 / variances[g];
        weighted += accuracies[g] / variances[g];
    }
    double statistic = 0.0;
    for (std::size_t g = 0; g < accuracies.size(); ++g)
        statistic += std::pow(accuracies[g] - weighted / weights, 2) / variances[g];
    return chi_square_upper_tail(statistic, static_cast<double>(accuracies.size() - 1));
}

std::optional<SpreadIntervals> seed_mean_spread_intervals(std::span<const GroupAccuracies* const> seeds) {
    if (seeds.empty() || seeds.front()->rates.size() < 2) return std::nullopt;
    SpreadIntervals result;
    result.homogeneity_p = seed_mean_homogeneity(seeds);
    const bool differ = result.homogeneity_p < kHomogeneityLevel;
    const SeedMean deviation = seed_mean(seeds, deviation_metric);
    const SeedMean log_ratio = seed_mean(seeds, log_ratio_metric);
    result.deviation = hybrid(deviation, differ);
    result.gap = hybrid(seed_mean(seeds, gap_metric), differ);
    const Interval log_interval = hybrid(log_ratio, differ);
    result.error_ratio = {std::exp(log_interval.low), std::exp(log_interval.high)};
    result.deviation_no_bias = no_bias_of(seeds, deviation_metric);
    result.error_ratio_no_bias = no_bias_of(seeds, ratio_metric);
    return result;
}

std::optional<SpreadIntervals> spread_intervals(const GroupAccuracies& groups) {
    const GroupAccuracies* const one = &groups;
    return seed_mean_spread_intervals(std::span(&one, 1));
}

std::optional<Estimate> deviation_change(const PairClusters& clusters, const IdentityBootstrap& bootstrap,
                                         std::span<const PairedDecisions> seeds) {
    if (clusters.groups() < 2 || seeds.empty()) return std::nullopt;
    const double share = 1.0 / static_cast<double>(seeds.size());
    LinearContrast tangent(clusters);  // the change of STD, linearised: carries the dyadic variance
    std::vector<double> replicates(bootstrap.replicates(), 0.0);
    std::vector<double> values;
    double inflation = 0.0;
    for (const PairedDecisions& seed : seeds) {
        const std::vector<double> reference = seed.reference_accuracies->accuracies();
        const std::vector<double> treated = seed.treated_accuracies->accuracies();
        const std::vector<double> reference_gradient = deviation_gradient(reference);
        const std::vector<double> treated_gradient = deviation_gradient(treated);
        for (std::uint32_t g = 0; g < clusters.groups(); ++g) {
            tangent.add(clusters.all_of(g), seed.treated, share * treated_gradient[g]);
            tangent.add(clusters.all_of(g), seed.reference, -share * reference_gradient[g]);
        }
        const std::vector<double> before = replicates_of(*seed.reference_accuracies, false, deviation_metric);
        const std::vector<double> after = replicates_of(*seed.treated_accuracies, false, deviation_metric);
        add_scaled(replicates, after, share);
        add_scaled(replicates, before, -share);
        values.push_back(standard_deviation(treated) - standard_deviation(reference));
        inflation += share * seed.variance_inflation;
    }
    const double bootstrap_variance = sum_of_squares(clusters.identity_sums(tangent.influence()));
    const double correction = bootstrap_variance > 0.0 ? tangent.variance() / bootstrap_variance : 1.0;
    const double spread = standard_deviation(replicates);
    return seed_mean_estimate(std::max(spread * spread * correction * inflation, 1e-18), tangent.degrees_of_freedom(), values);
}

}  // namespace fairsweep
