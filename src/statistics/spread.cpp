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

using Metric = std::function<double(std::span<const double> accuracies)>;

std::vector<double> replicates_of(const GroupAccuracies& groups, bool rescaled, const Metric& metric) {
    const std::size_t replicates = groups.raw_deviations.front().size();
    const std::vector<double> accuracies = groups.accuracies();
    std::vector<double> moved(accuracies.size());
    std::vector<double> values(replicates);
    for (std::size_t b = 0; b < replicates; ++b) {
        for (std::size_t g = 0; g < moved.size(); ++g) {
            moved[g] = accuracies[g] + (rescaled ? groups.scale[g] : 1.0) * groups.raw_deviations[g][b];
        }
        values[b] = metric(moved);
    }
    return values;
}

/// estimate +- 1.96 se, or [boundary, percentile] when the groups may well be equal.
Interval hybrid(double estimate, std::vector<double> replicates, double boundary, bool groups_differ) {
    const double half = normal_quantile(0.5 + kConfidence / 2.0) * standard_deviation(replicates);
    if (groups_differ) return {std::max(boundary, estimate - half), estimate + half};
    return {boundary, std::max(estimate, percentile(std::move(replicates), 0.5 + kConfidence / 2.0))};
}

/// log of (worst error + 0.5) / (best error + 0.5), as rates, so that groups may differ in size.
double log_error_ratio(const GroupAccuracies& groups, std::span<const double> accuracies) {
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

IdentityBootstrap::IdentityBootstrap(std::uint32_t identities, std::uint32_t replicates, std::uint64_t seed) : replicates_(replicates) {
    weight_minus_one_.resize(std::size_t{identities} * replicates);
    for (std::uint32_t i = 0; i < identities; ++i) {
        RandomStream stream(seed, i, "bootstrap");
        for (std::uint32_t b = 0; b < replicates; ++b) {
            weight_minus_one_[std::size_t{i} * replicates + b] = static_cast<std::int8_t>(poisson_one(stream.uniform()) - 1);
        }
    }
}

std::vector<double> IdentityBootstrap::deviations(std::span<const double> identity_sums) const {
    FAIRSWEEP_CHECK(identity_sums.size() * replicates_ == weight_minus_one_.size(), "one sum per person");
    std::vector<double> result(replicates_, 0.0);
    for (std::size_t i = 0; i < identity_sums.size(); ++i) {
        if (identity_sums[i] == 0.0) continue;
        const std::int8_t* weights = weight_minus_one_.data() + i * replicates_;
        for (std::size_t b = 0; b < replicates_; ++b) result[b] += identity_sums[i] * weights[b];
    }
    return result;
}

std::vector<double> GroupAccuracies::accuracies() const {
    std::vector<double> values;
    for (const RateEstimate& rate : rates) values.push_back(rate.rate);
    return values;
}

GroupAccuracies group_accuracies(const PairClusters& clusters, const IdentityBootstrap& bootstrap, std::span<const std::uint8_t> correct) {
    GroupAccuracies result;
    for (std::uint32_t g = 0; g < clusters.groups(); ++g) {
        const PairSubset& subset = clusters.all_of(g);
        result.rates.push_back(rate_estimate(clusters, subset, correct));
        LinearContrast accuracy(clusters);
        accuracy.add(subset, correct, 1.0);
        const std::vector<double> sums = clusters.identity_sums(accuracy.influence());
        const double bootstrap_variance = sum_of_squares(sums);
        result.raw_deviations.push_back(bootstrap.deviations(sums));
        result.scale.push_back(bootstrap_variance > 0.0 ? std::sqrt(result.rates.back().variance / bootstrap_variance) : 0.0);
    }
    return result;
}

double homogeneity_p_value(const GroupAccuracies& groups) {
    if (groups.rates.size() < 2) return 1.0;
    double weights = 0.0;
    double weighted = 0.0;
    for (const RateEstimate& rate : groups.rates) {
        weights += 1.0 / rate.variance;
        weighted += rate.rate / rate.variance;
    }
    double statistic = 0.0;
    for (const RateEstimate& rate : groups.rates) statistic += std::pow(rate.rate - weighted / weights, 2) / rate.variance;
    return chi_square_upper_tail(statistic, static_cast<double>(groups.rates.size() - 1));
}

std::optional<SpreadIntervals> spread_intervals(const GroupAccuracies& groups) {
    if (groups.rates.size() < 2) return std::nullopt;
    const std::vector<double> accuracies = groups.accuracies();
    SpreadIntervals result;
    result.homogeneity_p = homogeneity_p_value(groups);
    const bool differ = result.homogeneity_p < kHomogeneityLevel;
    const Metric gap = [](std::span<const double> a) { return largest_gap(a).value(); };
    const Metric log_ratio = [&groups](std::span<const double> a) { return log_error_ratio(groups, a); };
    result.deviation = hybrid(standard_deviation(accuracies), replicates_of(groups, true, standard_deviation), 0.0, differ);
    result.gap = hybrid(gap(accuracies), replicates_of(groups, true, gap), 0.0, differ);
    const Interval log_interval = hybrid(log_ratio(accuracies), replicates_of(groups, true, log_ratio), 0.0, differ);
    result.error_ratio = {std::exp(log_interval.low), std::exp(log_interval.high)};
    return result;
}

std::optional<Estimate> deviation_change(const PairClusters& clusters, const IdentityBootstrap& bootstrap,
                                         std::span<const PairedDecisions> seeds) {
    if (clusters.groups() < 2 || seeds.empty()) return std::nullopt;
    const double share = 1.0 / static_cast<double>(seeds.size());
    LinearContrast tangent(clusters);  // the change of STD, linearised: carries the dyadic variance
    std::vector<double> replicates(bootstrap.replicates(), 0.0);
    std::vector<double> values;
    for (const PairedDecisions& seed : seeds) {
        const std::vector<double> reference = seed.reference_accuracies->accuracies();
        const std::vector<double> treated = seed.treated_accuracies->accuracies();
        const std::vector<double> reference_gradient = deviation_gradient(reference);
        const std::vector<double> treated_gradient = deviation_gradient(treated);
        for (std::uint32_t g = 0; g < clusters.groups(); ++g) {
            tangent.add(clusters.all_of(g), seed.treated, share * treated_gradient[g]);
            tangent.add(clusters.all_of(g), seed.reference, -share * reference_gradient[g]);
        }
        const std::vector<double> before = replicates_of(*seed.reference_accuracies, false, standard_deviation);
        const std::vector<double> after = replicates_of(*seed.treated_accuracies, false, standard_deviation);
        for (std::size_t b = 0; b < replicates.size(); ++b) replicates[b] += share * (after[b] - before[b]);
        values.push_back(standard_deviation(treated) - standard_deviation(reference));
    }
    const double bootstrap_variance = sum_of_squares(clusters.identity_sums(tangent.influence()));
    const double correction = bootstrap_variance > 0.0 ? tangent.variance() / bootstrap_variance : 1.0;
    const double spread = standard_deviation(replicates);
    return seed_mean_estimate(std::max(spread * spread * correction, 1e-18), tangent.degrees_of_freedom(), values);
}

}  // namespace fairsweep
