#include "report/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"
#include "metrics/pair_checks.hpp"
#include "report/contrasts.hpp"
#include "report/findings.hpp"

namespace fairsweep {
namespace {

Configuration configuration_of(const AnalysisPoint& point) {
    return {point.point.arm,         point.point.architecture, point.point.training_set, point.point.bits,
            point.point.calibration, point.point.sparsity,     point.point.pruning,      point.point.distillation,
            point.baseline_recipe,   point.finetune_recipe};
}

/// Configurations with the indices of their done points; figures come later.
std::vector<AnalysedConfiguration> group_by_configuration(const AnalysisInput& input) {
    std::vector<AnalysedConfiguration> result;
    for (std::size_t i = 0; i < input.points.size(); ++i) {
        if (input.points[i].state != StageState::done) continue;
        const Configuration configuration = configuration_of(input.points[i]);
        auto place = std::find_if(result.begin(), result.end(),
                                  [&](const AnalysedConfiguration& c) { return c.configuration == configuration; });
        if (place == result.end())
            place = result.insert(place, {.configuration = configuration, .points = {}, .seeds = {}, .summary = {}});
        place->points.push_back(i);
        place->seeds.push_back(input.points[i].point.seed);
    }
    return result;
}

std::map<std::string, std::string> make_conventions(const AnalysisOptions& options) {
    return {
        {"accuracy",
         "ten-fold protocol per group: folds contiguous in file order, squared distance 2 - 2 * cosine < t (strict), "
         "t = 0, 0.01 ... 3.99, the first best threshold on the other nine folds; percent, mean over folds"},
        {"std", "standard deviation over the groups' accuracies, ddof 1, percentage points; of several seeds: mean of their STD"},
        {"std_ddof", "1"},
        {"ser", "(100 - lowest accuracy) / (100 - highest); undefined when a group makes no error"},
        {"gap",
         "largest: highest minus lowest accuracy; in contrasts: mean of the other groups minus the group that is worst in the "
         "dense arm"},
        {"threshold_source", "test"},
        {"threshold_source_note", "all thresholds are chosen on the evaluation pairs themselves; there was no development set"},
        {"pooled_threshold",
         "one for all groups: the smallest observed score with the highest pooled accuracy; a pair matches when score >= "
         "threshold"},
        {"ties", "equally good thresholds: the lowest of the grid, or the smallest observed score"},
        {"rates", "fmr over impostor pairs, fnmr over genuine pairs, fractions"},
        {"intervals",
         "95 %. Groups of pairs that share a person count as dependent (dyadic variance). Accuracy, FMR and FNMR of one network: "
         "Wilson with the effective number of pairs and a t quantile; means over seeds and changes: t, with the variance between "
         "seeds (Satterthwaite)"},
        {"intervals_10fold",
         "ten-fold intervals count the choice of thresholds by repeating it under random weights of people; they are "
         "not an out-of-sample guarantee. Intervals at the pooled threshold take the threshold as given"},
        {"intervals_spread",
         "STD, SER, largest gap: linearised identity bootstrap rescaled to the dyadic variance; the lower limit is the boundary "
         "(0, or 1 for SER) unless equality of the groups is rejected at 2.5 %; SER's are made from errors + 0.5"},
        {"no_bias",
         "mean and 95th percentile of the figure when all groups have the same true accuracy and only chance tells them apart"},
        {"multiplicity",
         "primary family: change of the gap of the worst dense group, compressed - sham; Holm. All else is exploratory: "
         "Benjamini-Hochberg"},
        {"floor", fmt::format("groups below {} % accuracy are close to guessing, where gaps shrink for the wrong reason",
                              kFloorAccuracyPercent)},
        {"bootstrap", fmt::format("{} replicates, seed {}, Poisson(1) weights keyed by person, equal for all networks",
                                  options.replicates, options.seed)},
    };
}

std::vector<std::string> make_warnings(const AnalysisInput& input, const std::vector<AnalysedConfiguration>& configurations) {
    std::vector<std::string> warnings{"thresholds were chosen on the test pairs: there is no development set"};
    for (const auto& warning : {contradiction_warning(input.pairs), shared_people_warning(input.pairs)})
        if (warning) warnings.push_back(*warning);
    const auto not_done = std::count_if(input.points.begin(), input.points.end(),
                                        [](const AnalysisPoint& p) { return p.state != StageState::done; });
    if (not_done > 0)
        warnings.push_back(fmt::format("{} of {} points are not done and are left out", not_done, input.points.size()));
    const auto few = std::count_if(configurations.begin(), configurations.end(),
                                   [](const AnalysedConfiguration& c) { return c.seeds.size() < 3; });
    if (few > 0)
        warnings.push_back(fmt::format("few seeds: {} of {} configurations have fewer than 3", few, configurations.size()));
    const auto floors = std::count_if(configurations.begin(), configurations.end(),
                                      [](const AnalysedConfiguration& c) { return c.summary.has_floor(); });
    if (floors > 0)
        warnings.push_back(
            fmt::format("floor: {} configurations have a group below {} % accuracy", floors, kFloorAccuracyPercent));
    return warnings;
}

}  // namespace

std::string text_of(const Configuration& configuration) {
    std::string text = configuration.architecture;
    if (configuration.arm == Arm::dense) return text;
    if (configuration.arm == Arm::compressed) text += fmt::format(", {} bits", configuration.bits.text());
    text += fmt::format(", {} calibration", configuration.calibration);
    if (configuration.arm == Arm::compressed) text += fmt::format(", sparsity {}", exact_number(configuration.sparsity));
    if (configuration.pruning != "none" && configuration.pruning != "global") text += " (" + configuration.pruning + ")";
    return text;
}

Analysis analyse(const AnalysisInput& input, const ScoreSource& scores, const AnalysisOptions& options) {
    Analysis analysis;
    analysis.conventions = make_conventions(options);
    analysis.configurations = group_by_configuration(input);
    if (analysis.configurations.empty()) {
        throw_data({.attempted = "analyse a sweep",
                    .where = input.sweep_name,
                    .found = fmt::format("{} points, none of them done", input.points.size()),
                    .expected = "at least one finished point",
                    .hint = "see why with: fairsweep status STORE"});
    }
    const EvaluationSet set(input.pairs, options.replicates, options.seed);
    std::map<std::size_t, ScoredNetwork> networks;
    std::vector<std::uint8_t> is_one(input.pairs.size(), 1);  // in every network so far
    for (std::size_t i = 0; i < input.points.size(); ++i) {
        if (input.points[i].state != StageState::done) continue;
        const std::vector<float> own = scores(i);
        const ScoredNetwork& network = networks.emplace(i, make_network(set, own)).first->second;
        for (std::size_t p = 0; p < is_one.size(); ++p) is_one[p] = is_one[p] != 0 && own[p] == 1.0F ? 1 : 0;
        const ScoredNetwork* const alone = &network;
        analysis.points.push_back({i, summarise(set, std::span(&alone, 1))});
    }
    for (AnalysedConfiguration& configuration : analysis.configurations) {
        std::vector<const ScoredNetwork*> seeds;
        for (const std::size_t point : configuration.points) seeds.push_back(&networks.at(point));
        configuration.summary = summarise(set, seeds);
    }
    analysis.contrasts = all_contrasts(set, analysis.configurations, networks);
    analysis.warnings = make_warnings(input, analysis.configurations);
    if (const auto equal = equal_images_warning(set.pairs, is_one)) analysis.warnings.push_back(*equal);
    analysis.findings = make_findings(input, analysis);
    return analysis;
}

}  // namespace fairsweep
