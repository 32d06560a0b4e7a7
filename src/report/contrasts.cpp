#include "report/contrasts.hpp"

#include <algorithm>
#include <cmath>

#include "metrics/fairness.hpp"
#include "report/twins.hpp"
#include "statistics/multiplicity.hpp"
#include "statistics/quantiles.hpp"

namespace fairsweep {
namespace {

/// Networks of two configurations with the same seed.
struct SeedPair {
    const ScoredNetwork* reference;
    const ScoredNetwork* treated;
};

struct Comparison {
    std::size_t treated;
    std::size_t reference;
    std::string kind;
    std::vector<SeedPair> seeds;
};

std::optional<std::size_t> find_configuration(const std::vector<AnalysedConfiguration>& all, const Configuration& wanted) {
    const auto place =
        std::find_if(all.begin(), all.end(), [&wanted](const AnalysedConfiguration& c) { return c.configuration == wanted; });
    return place == all.end() ? std::nullopt : std::optional<std::size_t>(place - all.begin());
}

/// The baseline that a configuration started from.
std::optional<std::size_t> dense_of(const std::vector<AnalysedConfiguration>& all, const Configuration& configuration) {
    const auto place = std::find_if(all.begin(), all.end(), [&configuration](const AnalysedConfiguration& other) {
        const Configuration& c = other.configuration;
        return c.arm == Arm::dense && stands_for(c.axes, configuration.axes) &&
               c.baseline_recipe == configuration.baseline_recipe;
    });
    return place == all.end() ? std::nullopt : std::optional<std::size_t>(place - all.begin());
}

std::vector<SeedPair> shared_seeds(const AnalysedConfiguration& reference, const AnalysedConfiguration& treated,
                                   const std::map<std::size_t, ScoredNetwork>& networks) {
    std::vector<SeedPair> pairs;
    for (std::size_t t = 0; t < treated.seeds.size(); ++t) {
        const auto same = std::find(reference.seeds.begin(), reference.seeds.end(), treated.seeds[t]);
        if (same == reference.seeds.end()) continue;
        const auto r = static_cast<std::size_t>(same - reference.seeds.begin());
        pairs.push_back({&networks.at(reference.points[r]), &networks.at(treated.points[t])});
    }
    return pairs;
}

/// Value of the accuracies of one network under the weights of a linear contrast.
double weighted_accuracy(const ScoredNetwork& network, std::span<const double> weights) {
    double value = 0.0;
    for (std::size_t g = 0; g < weights.size(); ++g) value += weights[g] * network.accuracies.rates[g].rate;
    return value;
}

void finish(Contrast& contrast, const Estimate& fractions, std::span<const double> value_of_seed) {
    contrast.p_value = student_t_two_sided(fractions.value / std::sqrt(fractions.variance), fractions.degrees_of_freedom);
    contrast.estimate = {100.0 * fractions.value, 1e4 * fractions.variance, fractions.degrees_of_freedom,
                         in_percent(fractions.interval)};
    contrast.seed_deviation = 100.0 * sample_deviation(value_of_seed).value_or(kUndefined);
}

Contrast linear_contrast(const EvaluationSet& set, const Comparison& comparison, std::span<const double> weights) {
    Contrast contrast{.treated = comparison.treated,
                      .reference = comparison.reference,
                      .kind = comparison.kind,
                      .metric = {},
                      .group = {},
                      .estimate = {}};
    const double share = 1.0 / static_cast<double>(comparison.seeds.size());
    AccuracyContrast mean(set);
    std::vector<double> values;
    for (const SeedPair& seed : comparison.seeds) {
        for (std::uint32_t g = 0; g < weights.size(); ++g) {
            if (weights[g] == 0.0) continue;
            mean.add(*seed.treated, g, share * weights[g]);
            mean.add(*seed.reference, g, -share * weights[g]);
        }
        values.push_back(weighted_accuracy(*seed.treated, weights) - weighted_accuracy(*seed.reference, weights));
    }
    finish(contrast, seed_mean_estimate(mean.variance(), mean.degrees_of_freedom(), values), values);
    return contrast;
}

std::optional<Contrast> deviation_contrast(const EvaluationSet& set, const Comparison& comparison) {
    Contrast contrast{.treated = comparison.treated,
                      .reference = comparison.reference,
                      .kind = comparison.kind,
                      .metric = "std",
                      .group = {},
                      .estimate = {}};
    std::vector<PairedDecisions> decisions;
    std::vector<double> values;
    for (const SeedPair& seed : comparison.seeds) {
        const std::vector<double> before = seed.reference->accuracies.accuracies();
        const std::vector<double> after = seed.treated->accuracies.accuracies();
        if (before.size() < 2) return std::nullopt;
        values.push_back(*sample_deviation(after) - *sample_deviation(before));
        // Inflation of the change of STD: along its steepest direction, the group contrast that STD itself measures.
        ThresholdInflation inflation;
        const double mean = *average(after);
        for (std::size_t g = 0; g < after.size(); ++g) {
            inflation.add(seed.treated->thresholds[g], after[g] - mean);
            inflation.add(seed.reference->thresholds[g], mean - after[g]);
        }
        decisions.push_back({seed.reference->correct, seed.treated->correct, &seed.reference->accuracies,
                             &seed.treated->accuracies, inflation.value()});
    }
    const auto estimate = deviation_change(set.clusters, set.bootstrap, decisions);
    if (!estimate) return std::nullopt;
    finish(contrast, *estimate, values);
    return contrast;
}

void add_contrasts(const EvaluationSet& set, const Comparison& comparison, std::optional<std::size_t> worst,
                   std::vector<Contrast>& contrasts) {
    const std::size_t groups = set.pairs.groups.size();
    const auto add = [&](Contrast contrast, const char* metric, const std::string& group) {
        contrast.metric = metric;
        contrast.group = group;
        contrast.seeds = static_cast<std::uint32_t>(comparison.seeds.size());
        contrast.primary = contrast.metric == "gap" && contrast.kind == "compressed - sham";
        contrasts.push_back(std::move(contrast));
    };
    for (std::size_t g = 0; g < groups; ++g) {
        std::vector<double> weights(groups, 0.0);
        weights[g] = 1.0;
        add(linear_contrast(set, comparison, weights), "accuracy", set.pairs.groups[g]);
    }
    if (groups < 2) return;
    add(linear_contrast(set, comparison, std::vector<double>(groups, 1.0 / static_cast<double>(groups))), "average", "");
    if (worst) {
        std::vector<double> weights(groups, 1.0 / static_cast<double>(groups - 1));
        weights[*worst] = -1.0;
        add(linear_contrast(set, comparison, weights), "gap", set.pairs.groups[*worst]);
    }
    if (auto deviation = deviation_contrast(set, comparison)) add(std::move(*deviation), "std", "");
}

std::vector<Comparison> comparisons(const std::vector<AnalysedConfiguration>& all,
                                    const std::map<std::size_t, ScoredNetwork>& networks) {
    std::vector<Comparison> result;
    const auto add = [&](std::size_t treated, std::optional<std::size_t> reference, std::string kind) {
        if (!reference) return;
        auto seeds = shared_seeds(all[*reference], all[treated], networks);
        if (!seeds.empty()) result.push_back({treated, *reference, std::move(kind), std::move(seeds)});
    };
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Configuration& configuration = all[i].configuration;
        if (configuration.arm == Arm::compressed) {
            add(i, sham_twin(all, configuration), "compressed - sham");
            add(i, dense_of(all, configuration), "compressed - dense");
            Configuration on_real = configuration;
            on_real.axes[Axis::calibration] = "real";
            if (configuration.axes.calibration() != "real")
                add(i, find_configuration(all, on_real), configuration.axes.calibration() + " - real");
        }
        if (configuration.arm == Arm::sham) add(i, dense_of(all, configuration), "sham - dense");
    }
    return result;
}

void adjust(std::vector<Contrast>& contrasts, bool primary, std::vector<double> (*method)(std::span<const double>)) {
    std::vector<double> p_values;
    for (const Contrast& contrast : contrasts)
        if (contrast.primary == primary) p_values.push_back(contrast.p_value);
    const std::vector<double> adjusted = method(p_values);
    std::size_t next = 0;
    for (Contrast& contrast : contrasts)
        if (contrast.primary == primary) contrast.p_adjusted = adjusted[next++];
}

}  // namespace

std::optional<std::size_t> worst_reference_group(const std::vector<AnalysedConfiguration>& configurations,
                                                 const Configuration& of) {
    if (const auto dense = dense_of(configurations, of)) return configurations[*dense].summary.worst_group;
    if (const auto sham = sham_twin(configurations, of)) return configurations[*sham].summary.worst_group;
    return std::nullopt;
}

std::vector<Contrast> all_contrasts(const EvaluationSet& set, const std::vector<AnalysedConfiguration>& configurations,
                                    const std::map<std::size_t, ScoredNetwork>& networks) {
    std::vector<Contrast> contrasts;
    for (const Comparison& comparison : comparisons(configurations, networks)) {
        add_contrasts(set, comparison, worst_reference_group(configurations, configurations[comparison.treated].configuration),
                      contrasts);
    }
    for (Contrast& contrast : contrasts) {
        contrast.floor =
            configurations[contrast.treated].summary.has_floor() || configurations[contrast.reference].summary.has_floor();
    }
    adjust(contrasts, true, holm);
    adjust(contrasts, false, benjamini_hochberg);
    return contrasts;
}

}  // namespace fairsweep
