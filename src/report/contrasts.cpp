#include "report/contrasts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <utility>

#include "metrics/fairness.hpp"
#include "report/references.hpp"
#include "statistics/multiplicity.hpp"
#include "statistics/quantiles.hpp"

namespace fairsweep {
namespace {

/// Networks of two configurations with the same seed.
struct SeedPair {
    const ScoredNetwork* reference;
    const ScoredNetwork* treated;
};

/// A comparison whose networks are there.
struct Compared {
    const Comparison* comparison;
    std::vector<SeedPair> seeds;
};

std::vector<Comparison::Pair> shared_seeds(const AnalysedConfiguration& reference, const AnalysedConfiguration& treated) {
    std::vector<Comparison::Pair> pairs;
    for (std::size_t t = 0; t < treated.seeds.size(); ++t) {
        const auto same = std::find(reference.seeds.begin(), reference.seeds.end(), treated.seeds[t]);
        if (same == reference.seeds.end()) continue;
        const auto r = static_cast<std::size_t>(same - reference.seeds.begin());
        pairs.push_back({reference.points[r], treated.points[t]});
    }
    return pairs;
}

/// An empty contrast between the two configurations.
Contrast contrast_between(const Comparison& comparison) {
    return {.treated = comparison.treated,
            .reference = comparison.reference,
            .kind = comparison.kind,
            .metric = {},
            .group = {},
            .estimate = {}};
}

/// Where a threshold was chosen.
void add_choice(const ScoredNetwork& network, std::uint32_t group, double weight, ThresholdInflation& inflation) {
    if (!network.thresholds.empty()) inflation.add(network.thresholds[group], weight);
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

Contrast linear_contrast(const EvaluationSet& set, const Compared& comparison, std::span<const double> weights) {
    Contrast contrast = contrast_between(*comparison.comparison);
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

std::optional<Contrast> deviation_contrast(const EvaluationSet& set, const Compared& comparison) {
    Contrast contrast = contrast_between(*comparison.comparison);
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
        for (std::uint32_t g = 0; g < after.size(); ++g) {
            add_choice(*seed.treated, g, after[g] - mean, inflation);
            add_choice(*seed.reference, g, mean - after[g], inflation);
        }
        decisions.push_back({seed.reference->correct, seed.treated->correct, &seed.reference->accuracies,
                             &seed.treated->accuracies, inflation.value()});
    }
    const auto estimate = deviation_change(set.clusters, *set.bootstrap, decisions);
    if (!estimate) return std::nullopt;
    finish(contrast, *estimate, values);
    return contrast;
}

/// A contrast of the gap, and what simultaneous limits need to know of it.
struct GapContrast {
    Contrast contrast;
    FamilyMember member;
};

/// What the choice of the worst group adds to the variance of a change of the gap.
double variance_by_choice(const Compared& comparison, const WorstBefore& before) {
    if (before.worst.unanimous()) return 0.0;
    const double share = 1.0 / static_cast<double>(comparison.seeds.size());
    GroupDeviations change;
    for (const SeedPair& seed : comparison.seeds) {
        seed.treated->accuracies.add_deviations(change, share);
        seed.reference->accuracies.add_deviations(change, -share);
    }
    return choice_variance(before.accuracy, before.deviations, change);
}

GapContrast gap_contrast(const EvaluationSet& set, const PeopleHalves& halves, const Compared& comparison,
                         const WorstBefore& before) {
    const WorstGroup& worst = before.worst;
    GapContrast result{.contrast = contrast_between(*comparison.comparison), .member = {}};
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
        for (std::uint32_t g = 0; g < set.groups(); ++g) {
            add_choice(*seed.treated, g, share * worst.weight(g), inflation);
            add_choice(*seed.reference, g, -share * worst.weight(g), inflation);
        }
    }
    double people = 0.0;
    for (std::uint32_t g = 0; g < set.groups(); ++g) people += set.clusters.all_of(g).identities - 1.0;
    const double identity_variance = mean.variance() * inflation.value() + variance_by_choice(comparison, before);
    const Estimate estimate = seed_mean_estimate(identity_variance, std::max(1.0, people), values);
    finish(result.contrast, estimate, values);
    result.contrast.group_share = worst.share[worst.most_often];
    result.member = {result.contrast.estimate, identity_variance / estimate.variance,
                     set.bootstrap->deviations(set.clusters.identity_sums(mean.influence()))};
    return result;
}

void add_contrasts(const EvaluationSet& set, const PeopleHalves& halves, const Compared& comparison, const WorstBefore* before,
                   ContrastList& list) {
    const std::size_t groups = set.items.groups.size();
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
        add(linear_contrast(set, comparison, weights), "accuracy", set.items.groups[g]);
    }
    if (groups < 2) return;
    add(linear_contrast(set, comparison, std::vector<double>(groups, 1.0 / static_cast<double>(groups))), "average", "");
    if (before) {
        GapContrast gap = gap_contrast(set, halves, comparison, *before);
        add(std::move(gap.contrast), "gap", set.items.groups[before->worst.most_often]);
        if (list.contrasts.back().primary) list.family.push_back(std::move(gap.member));
    }
    if (auto deviation = deviation_contrast(set, comparison)) add(std::move(*deviation), "std", "");
}

std::vector<Comparison> comparisons_of(const std::vector<AnalysedConfiguration>& all, const References& references,
                                       std::size_t treated) {
    std::vector<Comparison> result;
    const auto add = [&](std::optional<std::size_t> reference, std::string kind) {
        if (!reference) return;
        auto seeds = shared_seeds(all[*reference], all[treated]);
        if (!seeds.empty()) result.push_back({treated, *reference, std::move(kind), std::move(seeds)});
    };
    const Configuration& configuration = all[treated].configuration;
    if (configuration.arm == Arm::compressed) {
        add(references.sham_twin(configuration), "compressed - sham");
        add(references.dense_of(configuration), "compressed - dense");
        add(references.on_real_data(configuration), configuration.axes.calibration() + " - real");
    }
    if (configuration.arm == Arm::sham) add(references.dense_of(configuration), "sham - dense");
    return result;
}

ContrastStep make_step(const std::vector<AnalysedConfiguration>& all, const References& references, std::size_t treated) {
    ContrastStep step{.treated = treated,
                      .comparisons = comparisons_of(all, references, treated),
                      .before = std::nullopt,
                      .needs = {treated},
                      .last_use = {}};
    const auto need = [&step](std::size_t configuration) {
        if (std::find(step.needs.begin(), step.needs.end(), configuration) == step.needs.end())
            step.needs.push_back(configuration);
    };
    for (const Comparison& comparison : step.comparisons) need(comparison.reference);
    if (step.comparisons.empty()) return step;
    step.before = references.dense_of(all[treated].configuration);
    if (!step.before) step.before = references.sham_twin(all[treated].configuration);
    if (step.before) need(*step.before);
    return step;
}

/// Steps with equal or near places need the same networks: by baseline, then by the sham of the fine-tune on real data, then by
/// the configuration on real data.
std::array<std::size_t, 4> place_of(const std::vector<AnalysedConfiguration>& all, const References& references,
                                    std::size_t treated) {
    const std::size_t anchor = references.on_real_data(all[treated].configuration).value_or(treated);
    return {references.dense_of(all[treated].configuration).value_or(all.size()),
            references.sham_twin(all[anchor].configuration).value_or(all.size()), anchor, treated};
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

void add_simultaneous_limits(ContrastList& list, std::uint64_t seed) {
    const std::vector<Interval> limits = simultaneous_intervals(list.family, seed);
    std::size_t next = 0;
    for (Contrast& contrast : list.contrasts)
        if (contrast.primary) contrast.simultaneous = limits[next++];
}

void append(ContrastList& all, ContrastList& more) {
    std::move(more.contrasts.begin(), more.contrasts.end(), std::back_inserter(all.contrasts));
    std::move(more.family.begin(), more.family.end(), std::back_inserter(all.family));
    more = {};
}

}  // namespace

std::vector<ContrastStep> contrast_steps(const std::vector<AnalysedConfiguration>& configurations) {
    const References references(configurations);
    std::vector<std::pair<std::array<std::size_t, 4>, ContrastStep>> placed;
    for (std::size_t i = 0; i < configurations.size(); ++i)
        placed.emplace_back(place_of(configurations, references, i), make_step(configurations, references, i));
    std::sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<ContrastStep> steps;
    for (auto& [place, step] : placed) steps.push_back(std::move(step));
    std::vector<bool> is_needed(configurations.size(), false);  // by what comes after
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        for (const std::size_t configuration : step->needs) {
            if (!is_needed[configuration]) step->last_use.push_back(configuration);
            is_needed[configuration] = true;
        }
    }
    return steps;
}

std::optional<WorstBefore> worst_before(const PeopleHalves& halves, const std::vector<std::size_t>& points,
                                        const NetworksByPoint& networks) {
    if (!halves.usable() || halves.groups() < 2) return std::nullopt;
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

ContrastList contrasts_of(const EvaluationSet& set, const PeopleHalves& halves, const ContrastStep& step,
                          const WorstBefore* before, const NetworksByPoint& networks) {
    ContrastList list;
    for (const Comparison& comparison : step.comparisons) {
        Compared compared{&comparison, {}};
        for (const Comparison::Pair& seed : comparison.seeds)
            compared.seeds.push_back({&networks.at(seed.reference), &networks.at(seed.treated)});
        add_contrasts(set, halves, compared, before, list);
    }
    return list;
}

std::vector<Contrast> unite_contrasts(std::vector<ContrastList> lists, const std::vector<AnalysedConfiguration>& configurations,
                                      std::uint64_t seed) {
    ContrastList all;
    for (ContrastList& list : lists) append(all, list);
    for (Contrast& contrast : all.contrasts) {
        contrast.floor =
            configurations[contrast.treated].summary.has_floor() || configurations[contrast.reference].summary.has_floor();
    }
    add_simultaneous_limits(all, seed);
    adjust(all.contrasts, true, holm);
    adjust(all.contrasts, false, benjamini_hochberg);
    return std::move(all.contrasts);
}

}  // namespace fairsweep
