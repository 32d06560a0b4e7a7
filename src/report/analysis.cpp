#include "report/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "fairsweep/error.hpp"
#include "report/contrasts.hpp"
#include "report/findings.hpp"
#include "report/names.hpp"
#include "report/twins.hpp"

namespace fairsweep {
namespace {

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
        {"sham_twin",
         "the same fine-tune of the same baseline on the same data with nothing installed: equal in architecture, training set, "
         "calibration, loss and recipe but for keys that act only where something is compressed. With order prune-first the "
         "compressed network's momentum starts anew at half of the steps and its twin's does not"},
        {"multiplicity",
         "primary family: change of the gap of the worst dense group, compressed - sham; Holm. All else is exploratory: "
         "Benjamini-Hochberg"},
        {"floor", fmt::format("groups below {} % accuracy are close to guessing, where gaps shrink for the wrong reason",
                              kFloorAccuracyPercent)},
        {"bootstrap", fmt::format("{} replicates, seed {}, Poisson(1) weights keyed by person, equal for all networks",
                                  options.replicates, options.seed)},
    };
}

std::string floor_warning(const std::vector<AnalysedConfiguration>& configurations) {
    const auto floors = std::count_if(configurations.begin(), configurations.end(),
                                      [](const AnalysedConfiguration& c) { return c.summary.has_floor(); });
    if (floors == 0) return {};
    return fmt::format("floor: {} {} a group below {} % accuracy", counted(floors, "configuration"), floors == 1 ? "has" : "have",
                       kFloorAccuracyPercent);
}

/// A seed that a configuration holds twice: points that differ in something that no axis and no recipe tells.
std::string repeated_seed_warning(const std::vector<AnalysedConfiguration>& configurations) {
    const auto repeated = std::count_if(configurations.begin(), configurations.end(), [](const AnalysedConfiguration& c) {
        return std::set(c.seeds.begin(), c.seeds.end()).size() < c.seeds.size();
    });
    if (repeated == 0) return {};
    return fmt::format(
        "{} {} the same seed more than once: networks that differ in something no column tells, such as the content of a "
        "data set, are averaged",
        counted(repeated, "configuration"), repeated == 1 ? "holds" : "hold");
}

std::vector<std::string> make_warnings(const AnalysisInput& input, const std::vector<AnalysedConfiguration>& configurations) {
    std::vector<std::string> warnings{"thresholds were chosen on the test pairs: there is no development set"};
    const auto not_done = std::count_if(input.points.begin(), input.points.end(),
                                        [](const AnalysisPoint& p) { return p.state != StageState::done; });
    if (not_done > 0)
        warnings.push_back(fmt::format("{} of {} points are not done and are left out", not_done, input.points.size()));
    const auto few = std::count_if(configurations.begin(), configurations.end(),
                                   [](const AnalysedConfiguration& c) { return c.seeds.size() < 3; });
    if (few > 0)
        warnings.push_back(
            fmt::format("few seeds: {} of {} have fewer than 3", few, counted(configurations.size(), "configuration")));
    for (const std::string& text : {floor_warning(configurations), repeated_seed_warning(configurations)})
        if (!text.empty()) warnings.push_back(text);
    for (std::string& text : twin_warnings(input, configurations)) warnings.push_back(std::move(text));
    return warnings;
}

}  // namespace

Analysis analyse(const AnalysisInput& input, const ScoreSource& scores, const AnalysisOptions& options) {
    Analysis analysis;
    analysis.axes = input.axes;
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
    for (std::size_t i = 0; i < input.points.size(); ++i) {
        if (input.points[i].state != StageState::done) continue;
        const ScoredNetwork& network = networks.emplace(i, make_network(set, scores(i))).first->second;
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
    analysis.planted = parse_planted(input.planted, input.groups);
    analysis.banner = make_banner(input, analysis);
    analysis.findings = make_findings(input, analysis);
    return analysis;
}

}  // namespace fairsweep
