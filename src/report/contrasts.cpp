#include "report/contrasts.hpp"

#include <algorithm>
#include <cmath>

#include "metrics/fairness.hpp"
#include "report/twins.hpp"
#include "statistics/multiplicity.hpp"
#include "statistics/quantiles.hpp"
#include "statistics/simultaneous.hpp"
#include "statistics/worst_group.hpp"

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
        return c.arm == Arm::dense && c.architecture == configuration.architecture &&
               c.training_set == configuration.training_set && c.baseline_recipe == configuration.baseline_recipe;
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

/// A contrast of the gap, and what simultaneous limits need to know of it.
struct GapContrast {
    Contrast contrast;
    FamilyMember member;
};

/// The worst group of the networks before compression, and the mean accuracies that it was chosen by.
struct WorstBefore {
    WorstGroup worst;
    std::vector<double> accuracy;  ///< [groups] mean over the networks
    GroupDeviations deviations;
};

/// What the choice of the worst group adds to the variance of a change of the gap.
double variance_by_choice(const Comparison& comparison, const WorstBefore& before) {
    if (before.worst.unanimous()) return 0.0;
    const double share = 1.0 / static_cast<double>(comparison.seeds.size());
    GroupDeviations change;
    for (const SeedPair& seed : comparison.seeds) {
        seed.treated->accuracies.add_deviations(change, share);
        seed.reference->accuracies.add_deviations(change, -share);
    }
    return choice_variance(before.accuracy, before.deviations, change);
}

GapContrast gap_contrast(const EvaluationSet& set, const PeopleHalves& halves, const Comparison& comparison,
                         const WorstBefore& before) {
    const WorstGroup& worst = before.worst;
    GapContrast result{.contrast = {.treated = comparison.treated,
                                    .reference = comparison.reference,
                                    .kind = comparison.kind,
                                    .metric = {},
                                    .group = {},
                                    .estimate = {}},
                       .member = {}};
    const double share = 1.0 / static_cast<double>(comparison.seeds.size());
    LinearContrast mean(set.clusters);
    ThresholdInflation inflation;
    std::vector<double> values;
    for (const SeedPair& seed : comparison.seeds) {
        LinearContrast alone(set.clusters);
        for (LinearContrast* contrast : {&mean, &alone}) {
            const double weight = contrast == &mean ? share : 1.0;
            add_gap(*contrast, set.clusters, halves, worst, seed.treated->correct, weight);
            add_gap(*contrast, set.clusters, halves, worst, seed.reference->correct, -weight);
        }
        values.push_back(alone.value());
        for (std::uint32_t g = 0; g < set.clusters.groups(); ++g) {
            inflation.add(seed.treated->thresholds[g], share * worst.weight(g));
            inflation.add(seed.reference->thresholds[g], -share * worst.weight(g));
        }
    }
    double people = 0.0;
    for (std::uint32_t g = 0; g < set.clusters.groups(); ++g) people += set.clusters.all_of(g).identities - 1.0;
    const double identity_variance = mean.variance() * inflation.value() + variance_by_choice(comparison, before);
    const Estimate estimate = seed_mean_estimate(identity_variance, std::max(1.0, people), values);
    finish(result.contrast, estimate, values);
    result.contrast.group_share = worst.share[worst.most_often];
    result.member = {result.contrast.estimate, identity_variance / estimate.variance,
                     set.bootstrap.deviations(set.clusters.identity_sums(mean.influence()))};
    return result;
}

/// Contrasts of one comparison are added to all; those of the primary family also give a member of it.
struct ContrastList {
    std::vector<Contrast> contrasts;
    std::vector<FamilyMember> family;  ///< in the order of the primary contrasts
};

void add_contrasts(const EvaluationSet& set, const PeopleHalves& halves, const Comparison& comparison,
                   const std::optional<WorstBefore>& before, ContrastList& list) {
    const std::size_t groups = set.pairs.groups.size();
    const auto add = [&](Contrast contrast, const char* metric, const std::string& group) {
        contrast.metric = metric;
        contrast.group = group;
        contrast.seeds = static_cast<std::uint32_t>(comparison.seeds.size());
        contrast.primary = contrast.metric == "gap" && contrast.kind == "compressed - sham";
        list.contrasts.push_back(std::move(contrast));
    };
    for (std::size_t g = 0; g < groups; ++g) {
        std::vector<double> weights(groups, 0.0);
        weights[g] = 1.0;
        add(linear_contrast(set, comparison, weights), "accuracy", set.pairs.groups[g]);
    }
    if (groups < 2) return;
    add(linear_contrast(set, comparison, std::vector<double>(groups, 1.0 / static_cast<double>(groups))), "average", "");
    if (before) {
        GapContrast gap = gap_contrast(set, halves, comparison, *before);
        add(std::move(gap.contrast), "gap", set.pairs.groups[before->worst.most_often]);
        if (list.contrasts.back().primary) list.family.push_back(std::move(gap.member));
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
            on_real.calibration = "real";
            if (configuration.calibration != "real")
                add(i, find_configuration(all, on_real), configuration.calibration + " - real");
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

/// The worst group of the networks that a configuration started from; of the sham arm where there is no dense one.
std::optional<WorstBefore> worst_before(const PeopleHalves& halves, const std::vector<AnalysedConfiguration>& configurations,
                                        const std::map<std::size_t, ScoredNetwork>& networks, const Configuration& of) {
    auto reference = dense_of(configurations, of);
    if (!reference) reference = sham_twin(configurations, of);
    if (!reference || !halves.usable() || halves.groups() < 2) return std::nullopt;
    const std::vector<std::size_t>& points = configurations[*reference].points;
    const double share = 1.0 / static_cast<double>(points.size());
    std::vector<std::span<const std::uint8_t>> correct;
    WorstBefore before;
    before.accuracy.resize(halves.groups(), 0.0);
    for (const std::size_t point : points) {
        const ScoredNetwork& network = networks.at(point);
        correct.emplace_back(network.correct);
        network.accuracies.add_deviations(before.deviations, share);
        for (std::uint32_t g = 0; g < halves.groups(); ++g) before.accuracy[g] += share * network.accuracies.rates[g].rate;
    }
    before.worst = choose_worst(halves, correct);
    return before;
}

void add_simultaneous_limits(ContrastList& list, std::uint64_t seed) {
    const std::vector<Interval> limits = simultaneous_intervals(list.family, seed);
    std::size_t next = 0;
    for (Contrast& contrast : list.contrasts)
        if (contrast.primary) contrast.simultaneous = limits[next++];
}

}  // namespace

std::vector<Contrast> all_contrasts(const EvaluationSet& set, const std::vector<AnalysedConfiguration>& configurations,
                                    const std::map<std::size_t, ScoredNetwork>& networks) {
    const PeopleHalves halves(set.clusters, set.pairs, set.bootstrap.seed());
    ContrastList list;
    for (const Comparison& comparison : comparisons(configurations, networks)) {
        add_contrasts(set, halves, comparison,
                      worst_before(halves, configurations, networks, configurations[comparison.treated].configuration), list);
    }
    for (Contrast& contrast : list.contrasts) {
        contrast.floor =
            configurations[contrast.treated].summary.has_floor() || configurations[contrast.reference].summary.has_floor();
    }
    add_simultaneous_limits(list, set.bootstrap.seed());
    adjust(list.contrasts, true, holm);
    adjust(list.contrasts, false, benjamini_hochberg);
    return std::move(list.contrasts);
}

}  // namespace fairsweep
