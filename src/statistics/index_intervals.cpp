#include "statistics/index_intervals.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fairsweep/random.hpp"
#include "metrics/fairness.hpp"
#include "statistics/quantiles.hpp"

namespace fairsweep {
namespace {

constexpr double kEqualityLevel = 0.0125;  // two tests, FMR and FNMR: 2.5 % together, as for STD and SER
constexpr std::uint32_t kNoBiasDraws = 1000;

/// Half of an index: what one kind of rates adds to it, 0 when the groups are equal.
using Unfairness = double (*)(std::span<const double> rates, std::span<const RateEstimate> estimates);

double gap_of(std::span<const double> rates, std::span<const RateEstimate>) { return largest_gap(rates).value(); }

double gini_of(std::span<const double> rates, std::span<const RateEstimate>) {
    std::vector<double> positive(rates.begin(), rates.end());
    for (double& rate : positive) rate = std::max(0.0, rate);
    return gini(positive).value();
}

/// log of highest over lowest rate, errors + 0.5.
double log_ratio_of(std::span<const double> rates, std::span<const RateEstimate> estimates) {
    double low = std::numeric_limits<double>::infinity();
    double high = 0.0;
    for (std::size_t g = 0; g < rates.size(); ++g) {
        const double trials = estimates[g].trials;
        const double rate = (std::max(0.0, trials * rates[g]) + 0.5) / (trials + 1.0);
        low = std::min(low, rate);
        high = std::max(high, rate);
    }
    return std::log(high / low);
}

std::vector<double> values_of(std::span<const RateEstimate> estimates) {
    std::vector<double> values;
    for (const RateEstimate& estimate : estimates) values.push_back(estimate.rate);
    return values;
}

/// The rate of all groups together, every independent trial counted once.
double common_rate(std::span<const RateEstimate> estimates) {
    double hits = 0.0;
    double trials = 0.0;
    for (const RateEstimate& estimate : estimates) {
        hits += estimate.rate * estimate.trials;
        trials += estimate.trials;
    }
    return hits / trials;
}

/// p value of "the groups have the same rate": score test with the common rate's variance.
double equality_p_value(std::span<const RateEstimate> estimates) {
    const double common = common_rate(estimates);
    const double spread = common * (1.0 - common);
    if (!(spread > 0.0)) return 1.0;
    double statistic = 0.0;
    for (const RateEstimate& estimate : estimates)
        statistic += estimate.effective_n * (estimate.rate - common) * (estimate.rate - common) / spread;
    return chi_square_upper_tail(statistic, static_cast<double>(estimates.size() - 1));
}

/// Both kinds of rates of one seed, behind one interface.
struct Kind {
    std::span<const RateEstimate> estimates;
    std::span<const std::vector<double>> deviations;
};

Kind kind_of(const RatesAtThreshold& rates, bool genuine) {
    return genuine ? Kind{rates.fnmr, rates.fnmr_deviations} : Kind{rates.fmr, rates.fmr_deviations};
}

std::vector<double> replicates_of(const Kind& kind, Unfairness unfairness) {
    std::vector<double> moved(kind.estimates.size());
    std::vector<double> values(kind.deviations.front().size());
    for (std::size_t b = 0; b < values.size(); ++b) {
        for (std::size_t g = 0; g < moved.size(); ++g)
            moved[g] = std::clamp(kind.estimates[g].rate + kind.deviations[g][b], 0.0, 1.0);
        values[b] = unfairness(moved, kind.estimates);
    }
    return values;
}

void add_scaled(std::vector<double>& sum, std::span<const double> values, double factor) {
    sum.resize(values.size(), 0.0);
    for (std::size_t i = 0; i < values.size(); ++i) sum[i] += factor * values[i];
}

double percentile(std::vector<double> values, double p) {
    std::sort(values.begin(), values.end());
    const auto place = static_cast<std::size_t>(std::lround(p * static_cast<double>(values.size() - 1)));
    return values[place];
}

double deviation_of(std::span<const double> values) { return sample_deviation(values).value_or(0.0); }

/// Mean over seeds of 0.5 * (what FMRs add + what FNMRs add), from 0 (fair) upwards.
Interval unfairness_interval(std::span<const RatesAtThreshold* const> seeds, Unfairness unfairness, bool fmr_differ,
                             bool fnmr_differ) {
    const double share = 0.5 / static_cast<double>(seeds.size());
    std::vector<double> all, clear;  // replicates, and of those kinds that differ for certain
    std::vector<double> of_seed, clear_of_seed;
    for (const RatesAtThreshold* rates : seeds) {
        double value = 0.0;
        double clear_value = 0.0;
        for (const bool genuine : {false, true}) {
            const Kind kind = kind_of(*rates, genuine);
            const std::vector<double> replicates = replicates_of(kind, unfairness);
            const double estimate = 0.5 * unfairness(values_of(kind.estimates), kind.estimates);
            const bool differ = genuine ? fnmr_differ : fmr_differ;
            add_scaled(all, replicates, share);
            add_scaled(clear, replicates, differ ? share : 0.0);
            value += estimate;
            clear_value += differ ? estimate : 0.0;
        }
        of_seed.push_back(value);
        clear_of_seed.push_back(clear_value);
    }
    constexpr double kNormal = std::numeric_limits<double>::infinity();
    const double people = deviation_of(all);
    const Estimate whole = seed_mean_estimate(people * people, kNormal, of_seed);
    const double clear_people = deviation_of(clear);
    const Estimate certain = seed_mean_estimate(clear_people * clear_people, kNormal, clear_of_seed);
    const double seeds_widen = people > 0.0 ? std::sqrt(whole.variance) / people : 1.0;
    const double reach = std::max(0.0, percentile(all, kUpperTail) - whole.value) * std::max(1.0, seeds_widen);
    const double high = fmr_differ && fnmr_differ ? whole.interval.high : std::max(whole.interval.high, whole.value + reach);
    return {std::min(whole.value, std::max(0.0, certain.interval.low)), high};
}

/// Between-seed sd of a group's rate that is its own, not the whole network's: the interaction of groups and seeds.
double seed_deviation(std::span<const RatesAtThreshold* const> seeds, bool genuine) {
    std::vector<std::vector<double>> values;
    for (const RatesAtThreshold* rates : seeds) values.push_back(values_of(kind_of(*rates, genuine).estimates));
    return interaction_deviation(values);
}

/// One draw of the rates of a seed when all groups have the common rate. Rates are drawn on the scale of square roots, where
/// the deviation of a small rate hardly depends on it.
std::vector<double> equal_rates(const Kind& kind, std::span<const double> people, double luck, RandomStream& stream) {
    const double common = common_rate(kind.estimates);
    std::vector<double> rates;
    for (std::size_t g = 0; g < people.size(); ++g) {
        const double n = kind.estimates[g].effective_n;
        const double root = std::sqrt(common) + people[g] * std::sqrt(1.0 - common) / (2.0 * std::sqrt(n));
        rates.push_back(std::clamp(root * root - 0.25 / n + luck * stream.normal(), 0.0, 1.0));
    }
    return rates;
}

struct IndexDraws {
    std::vector<double> fdr, ir, garbe;
};

IndexDraws no_bias_draws(std::span<const RatesAtThreshold* const> seeds, std::uint64_t seed) {
    const std::size_t groups = seeds.front()->fmr.size();
    const double luck[2] = {seed_deviation(seeds, false), seed_deviation(seeds, true)};
    const double share = 1.0 / static_cast<double>(seeds.size());
    RandomStream stream(seed, 0, "no bias");
    IndexDraws draws;
    for (std::uint32_t b = 0; b < kNoBiasDraws; ++b) {
        // The same people judge every seed's network.
        std::vector<double> people[2];
        for (auto& kind : people)
            for (std::size_t g = 0; g < groups; ++g) kind.push_back(stream.normal());
        double fdr = 0.0;
        double ir = 0.0;
        double garbe = 0.0;
        for (const RatesAtThreshold* rates : seeds) {
            double gap = 0.0;
            double log_ratio = 0.0;
            double inequality = 0.0;
            for (const bool genuine : {false, true}) {
                const Kind kind = kind_of(*rates, genuine);
                const std::vector<double> drawn = equal_rates(kind, people[genuine ? 1 : 0], luck[genuine ? 1 : 0], stream);
                gap += 0.5 * gap_of(drawn, kind.estimates);
                log_ratio += 0.5 * log_ratio_of(drawn, kind.estimates);
                inequality += 0.5 * gini_of(drawn, kind.estimates);
            }
            fdr += share * (1.0 - gap);
            ir += share * std::exp(log_ratio);
            garbe += share * inequality;
        }
        draws.fdr.push_back(fdr);
        draws.ir.push_back(ir);
        draws.garbe.push_back(garbe);
    }
    return draws;
}

NoBias no_bias_of(const std::vector<double>& draws, double fair_end) {
    return {average(draws).value(), percentile(draws, fair_end)};
}

/// Equality of the groups' mean rates over seeds, with the variance between seeds.
bool differ(std::span<const RatesAtThreshold* const> seeds, bool genuine) {
    if (seeds.size() == 1) return equality_p_value(kind_of(*seeds.front(), genuine).estimates) < kEqualityLevel;
    const std::size_t groups = seeds.front()->fmr.size();
    std::vector<double> means, variances;
    for (std::size_t g = 0; g < groups; ++g) {
        std::vector<double> of_seed;
        double identity = 0.0;
        for (const RatesAtThreshold* rates : seeds) {
            const RateEstimate& estimate = kind_of(*rates, genuine).estimates[g];
            of_seed.push_back(estimate.rate);
            const double common = common_rate(kind_of(*rates, genuine).estimates);
            // The same pairs judge every seed: their variance does not average out.
            identity += std::max(common * (1.0 - common), 1e-12) / estimate.effective_n / static_cast<double>(seeds.size());
        }
        const Estimate mean = seed_mean_estimate(identity, std::numeric_limits<double>::infinity(), of_seed);
        means.push_back(mean.value);
        variances.push_back(mean.variance);
    }
    return homogeneity_p_value(means, variances) < kEqualityLevel;
}

/// Replicates of a rate: people's part, scaled to the variance of the influence.
std::vector<double> scaled_deviations(const PairClusters& clusters, const IdentityBootstrap& bootstrap,
                                      std::span<const double> influence, double at_least) {
    const std::vector<double> sums = clusters.identity_sums(influence);
    double squares = 0.0;
    for (const double sum : sums) squares += sum * sum;
    std::vector<double> deviations = bootstrap.deviations(sums);
    const double variance = std::max(at_least, clusters.variance(influence));
    const double scale = squares > 0.0 ? std::sqrt(variance / squares) : 0.0;
    for (double& deviation : deviations) deviation *= scale;
    return deviations;
}

double one_flip(const PairSubset& subset) { return std::pow(1.0 / static_cast<double>(subset.pairs.size()), 2); }

bool all_are(std::span<const RateEstimate> estimates, double rate) {
    return std::all_of(estimates.begin(), estimates.end(), [rate](const RateEstimate& e) { return e.rate == rate; });
}

bool expects_few(std::span<const RateEstimate> estimates) {
    const double common = common_rate(estimates);
    return std::any_of(estimates.begin(), estimates.end(),
                       [common](const RateEstimate& e) { return common * e.trials < kFewestGroupErrors - 1e-9; });
}

}  // namespace

RatesAtThreshold rates_at_fmr(const PairClusters& clusters, const IdentityBootstrap& bootstrap, const AtFmr& at,
                              std::span<const std::uint8_t> wrong) {
    RatesAtThreshold result;
    for (std::uint32_t g = 0; g < clusters.groups(); ++g) {
        for (const bool genuine : {false, true}) {
            const PairSubset& subset = genuine ? clusters.genuine_of(g) : clusters.impostor_of(g);
            (genuine ? result.fnmr : result.fmr).push_back(rate_estimate(clusters, subset, wrong));
            (genuine ? result.fnmr_deviations : result.fmr_deviations)
                .push_back(scaled_deviations(clusters, bootstrap, at.influence(g, genuine), one_flip(subset)));
        }
    }
    return result;
}

RatesAtThreshold rates_at_accuracy(const PairClusters& clusters, const IdentityBootstrap& bootstrap,
                                   std::span<const std::uint8_t> wrong, std::span<const std::uint8_t> wrong_at_low,
                                   std::span<const std::uint8_t> wrong_at_high) {
    RandomStream stream(bootstrap.seed(), 0, "threshold");
    std::vector<double> threshold(bootstrap.replicates());  // where it lies in its range: one draw for all groups
    for (double& place : threshold) place = stream.normal();
    RatesAtThreshold result;
    for (std::uint32_t g = 0; g < clusters.groups(); ++g) {
        for (const bool genuine : {false, true}) {
            const PairSubset& subset = genuine ? clusters.genuine_of(g) : clusters.impostor_of(g);
            const RateEstimate estimate = rate_estimate(clusters, subset, wrong);
            LinearContrast own(clusters);
            own.add(subset, wrong, 1.0);
            std::vector<double> deviations = scaled_deviations(clusters, bootstrap, own.influence(), one_flip(subset));
            const double reach = 2.0 * normal_quantile(kUpperTail);
            add_scaled(deviations, threshold, (rate_of(subset, wrong_at_high) - rate_of(subset, wrong_at_low)) / reach);
            (genuine ? result.fnmr : result.fmr).push_back(estimate);
            (genuine ? result.fnmr_deviations : result.fmr_deviations).push_back(std::move(deviations));
        }
    }
    return result;
}

IndexFault index_fault(const RatesAtThreshold& rates) {
    if (rates.fmr.size() < 2) return IndexFault::one_group;
    if (all_are(rates.fmr, 1.0)) return IndexFault::all_match;
    if (all_are(rates.fnmr, 1.0)) return IndexFault::none_match;
    if (expects_few(rates.fmr)) return IndexFault::few_false_matches;
    if (expects_few(rates.fnmr)) return IndexFault::few_false_non_matches;
    return IndexFault::none;
}

const char* text_of(IndexFault fault) {
    switch (fault) {
        case IndexFault::none:
            return "";
        case IndexFault::one_group:
            return "it needs at least two groups";
        case IndexFault::few_false_matches:
            return "a group expects fewer than 3 false matches";
        case IndexFault::few_false_non_matches:
            return "a group expects fewer than 3 false non-matches";
        case IndexFault::all_match:
            return "every impostor pair of every group matches";
        case IndexFault::none_match:
            return "no genuine pair of any group matches";
    }
    return "";
}

IndexIntervals index_intervals(std::span<const RatesAtThreshold* const> seeds, std::uint64_t seed) {
    const bool fmr_differ = differ(seeds, false);
    const bool fnmr_differ = differ(seeds, true);
    const Interval gap = unfairness_interval(seeds, gap_of, fmr_differ, fnmr_differ);
    const Interval log_ratio = unfairness_interval(seeds, log_ratio_of, fmr_differ, fnmr_differ);
    const Interval inequality = unfairness_interval(seeds, gini_of, fmr_differ, fnmr_differ);
    const IndexDraws draws = no_bias_draws(seeds, seed);
    IndexIntervals result;
    result.fdr = {std::max(0.0, 1.0 - gap.high), 1.0 - gap.low};
    result.ir = {std::exp(log_ratio.low), std::exp(log_ratio.high)};
    result.garbe = {inequality.low, std::min(1.0, inequality.high)};
    result.fdr_no_bias = no_bias_of(draws.fdr, 0.05);
    result.ir_no_bias = no_bias_of(draws.ir, 0.95);
    result.garbe_no_bias = no_bias_of(draws.garbe, 0.95);
    return result;
}

}  // namespace fairsweep
