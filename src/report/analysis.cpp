#include "report/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "fairsweep/error.hpp"
#include "metrics/pair_checks.hpp"
#include "report/contrasts.hpp"
#include "report/findings.hpp"
#include "report/names.hpp"
#include "report/score_direction.hpp"
#include "report/twins.hpp"

namespace fairsweep {
namespace {

/// Configurations with the indices of their done points; figures come later.
std::vector<AnalysedConfiguration> group_by_configuration(const AnalysisInput& input) {
    std::vector<AnalysedConfiguration> result;
    std::map<Configuration, std::size_t> place;
    for (std::size_t i = 0; i < input.points.size(); ++i) {
        if (input.points[i].state != StageState::done) continue;
        const Configuration configuration = configuration_of(input.points[i]);
        const auto [found, is_new] = place.emplace(configuration, result.size());
        if (is_new) result.push_back({.configuration = configuration, .points = {}, .seeds = {}, .summary = {}});
        AnalysedConfiguration& item = result[found->second];
        item.points.push_back(i);
        item.seeds.push_back(input.points[i].point.seed);
    }
    return result;
}

/// Done points in the input's order; figures come later.
std::vector<AnalysedPoint> done_points(const AnalysisInput& input) {
    std::vector<AnalysedPoint> result;
    for (std::size_t i = 0; i < input.points.size(); ++i)
        if (input.points[i].state == StageState::done) result.push_back({i, {}});
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
         "dense arm (in the sham arm where there is none)"},
        {"worst_group_of_contrasts",
         "chosen on other people than those that the change is judged on: people are cut into halves at random, ten times; the "
         "worst group of one half names the gap that the other half's pairs are judged by, and the mean over all halves is the "
         "change. `group` is what most halves chose and `group_share_fraction` how many; at 1 all pairs count at once. Chosen on "
         "the same "
         "pairs, an equal loss of equal groups would look like a widening"},
        {"threshold_source", "test"},
        {"threshold_source_note", "all thresholds are chosen on the evaluation pairs themselves; there was no development set"},
        {"pooled_threshold",
         "one for all groups: the smallest observed score with the highest pooled accuracy; a pair matches when score >= "
         "threshold"},
        {"ties", "equally good thresholds: the lowest of the grid, or the smallest observed score"},
        {"rates", "fmr over impostor pairs, fnmr over genuine pairs, fractions"},
        {"intervals",
         "95 %. Groups of pairs that share a person count as dependent (dyadic variance). Accuracy, FMR, FNMR, EER and AUC of "
         "one "
         "network: Wilson with the effective number of pairs and a t quantile; means over seeds and changes: t, with the "
         "variance "
         "between seeds (Satterthwaite). Formulas and measured coverage: docs/statistics.md"},
        {"intervals_10fold",
         "ten-fold intervals count the choice of thresholds by repeating it under 200 random weightings of people; they are "
         "not an out-of-sample guarantee"},
        {"intervals_pooled_threshold",
         "FMR, FNMR and pooled accuracy answer: what are the rates at this network's most accurate threshold? The threshold was "
         "chosen on these pairs and may lie elsewhere; how far the rates move with it is added in quadrature. "
         "`fmr_frozen_fraction` and "
         "`fnmr_frozen_fraction` answer: what are the rates at this very threshold, kept from now on?"},
        {"fdr, inequity_rate, garbe",
         "at the pooled threshold, alpha 0.5; undefined where a group expects fewer than 3 errors of a kind in some seed (the "
         "rate "
         "of all groups times its pairs), or all groups have FMR 1 or FNMR 1. Intervals as for STD, with the threshold's part"},
        {"ties of groups", "best_group and worst_group name all groups that are equal, as \"A = B\""},
        {"intervals_spread",
         "STD, SER, largest gap: linearised identity bootstrap rescaled to the dyadic variance; the lower limit is the boundary "
         "(0, or 1 for SER) unless equality of the groups is rejected at 2.5 %; SER's are made from errors + 0.5"},
        {"no_bias",
         "mean and 95th percentile of the figure when all groups have the same true accuracy (fdr, inequity_rate, garbe: the "
         "same "
         "FMR and FNMR) and only chance tells them apart: which people are in the pairs and, for means over seeds, the luck of "
         "each "
         "training. Rows of one seed are about this network: its luck counts as its own. fdr, where 1 is fair: chance stays "
         "above "
         "its p95 in 95 % of cases"},
        {"sham_twin",
         "the same fine-tune of the same baseline on the same data with nothing installed: equal in architecture, training set, "
         "calibration, loss and recipe but for keys that act only where something is compressed. With order prune-first the "
         "compressed network's momentum starts anew at half of the steps and its twin's does not"},
        {"multiplicity",
         "primary family: change of the gap of the worst dense group, compressed - sham; Holm. All else is exploratory: "
         "Benjamini-Hochberg. change_points_simultaneous: limits that hold together for the whole primary family (max-t), the "
         "ones "
         "to quote for the largest of many"},
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
    for (const auto& warning :
         {contradiction_warning(input.pairs), shared_people_warning(input.pairs), few_people_warning(input.pairs)})
        if (warning) warnings.push_back(*warning);
    const auto not_done = std::count_if(input.points.begin(), input.points.end(),
                                        [](const AnalysisPoint& p) { return p.state != StageState::done; });
    if (not_done > 0)
        warnings.push_back(fmt::format("{} of {} points are not done and are left out", not_done, input.points.size()));
    const auto few = std::count_if(configurations.begin(), configurations.end(),
                                   [](const AnalysedConfiguration& c) { return c.seeds.size() < 3; });
    if (few > 0)
        warnings.push_back(
            fmt::format("few seeds: {} of {} have fewer than 3", few, counted(configurations.size(), "configuration")));
    const auto one_seed = std::count_if(configurations.begin(), configurations.end(),
                                        [](const AnalysedConfiguration& c) { return c.seeds.size() == 1; });
    if (one_seed > 0)
        warnings.push_back(
            fmt::format("one seed: what is said of {} is about this network, not about the procedure: another training may "
                        "differ by more than the intervals",
                        counted(one_seed, "configuration")));
    const auto no_indices = std::count_if(configurations.begin(), configurations.end(), [](const AnalysedConfiguration& c) {
        return std::isnan(c.summary.fdr.value) && c.summary.groups.size() > 1;
    });
    if (no_indices > 0)
        warnings.push_back(fmt::format(
            "FDR, inequity rate and GARBE are undefined in {} of {} configurations: in a network a group has one kind "
            "of pairs only or expects fewer than {:.0f} errors of a kind at the pooled threshold",
            no_indices, configurations.size(), kFewestGroupErrors));
    std::vector<ProtocolFigures> figures;
    for (const AnalysedConfiguration& c : configurations)
        for (std::size_t g = 0; g < c.summary.groups.size(); ++g)
            figures.push_back({input.groups[g], c.summary.groups[g].accuracy.value, c.summary.groups[g].eer.value});
    if (const auto protocol = protocol_warning(figures)) warnings.push_back(*protocol);
    for (const std::string& text : {floor_warning(configurations), repeated_seed_warning(configurations)})
        if (!text.empty()) warnings.push_back(text);
    for (std::string& text : twin_warnings(input, configurations)) warnings.push_back(std::move(text));
    return warnings;
}

/// Networks that are needed just now: their figures are made when they come, and they are dropped after their last contrast.
/// What stays of each does not grow with the number of pairs.
class NetworkRoom {
public:
    NetworkRoom(const EvaluationSet& set, const ScoreSource& scores, Analysis& analysis)
        : set_(&set),
          scores_(&scores),
          analysis_(&analysis),
          halves_(set.clusters, set.pairs, set.bootstrap.seed()),
          is_one_(set.pairs.size(), 1) {}

    [[nodiscard]] ContrastList work(const ContrastStep& step) {
        for (const std::size_t configuration : step.needs) load(analysis_->configurations[configuration]);
        const std::optional<WorstBefore>* const before = step.before ? &worst_before_of(*step.before) : nullptr;
        ContrastList list = contrasts_of(*set_, halves_, step, before != nullptr && *before ? &**before : nullptr, networks_);
        for (const std::size_t configuration : step.last_use) drop(configuration);
        return list;
    }
    /// [pairs] 1: the pair has similarity 1 in every network.
    [[nodiscard]] const std::vector<std::uint8_t>& is_one() const { return is_one_; }

private:
    void load(AnalysedConfiguration& configuration) {
        if (networks_.contains(configuration.points.front())) return;
        std::vector<const ScoredNetwork*> seeds;
        for (const std::size_t point : configuration.points) seeds.push_back(&load_point(point));
        configuration.summary = summarise(*set_, seeds);
        analysis_->networks_at_once = std::max(analysis_->networks_at_once, networks_.size());
    }

    const ScoredNetwork& load_point(std::size_t point) {
        const std::vector<float> own = (*scores_)(point);
        const ScoredNetwork& network = networks_.emplace(point, make_network(*set_, own)).first->second;
        for (std::size_t p = 0; p < is_one_.size(); ++p) is_one_[p] = is_one_[p] != 0 && own[p] == 1.0F ? 1 : 0;
        const ScoredNetwork* const alone = &network;
        const auto place = std::lower_bound(analysis_->points.begin(), analysis_->points.end(), point,
                                            [](const AnalysedPoint& p, std::size_t index) { return p.index < index; });
        place->summary = summarise(*set_, std::span(&alone, 1));
        return network;
    }

    const std::optional<WorstBefore>& worst_before_of(std::size_t configuration) {
        const auto known = before_.find(configuration);
        if (known != before_.end()) return known->second;
        const std::vector<std::size_t>& points = analysis_->configurations[configuration].points;
        return before_.emplace(configuration, worst_before(halves_, points, networks_)).first->second;
    }

    void drop(std::size_t configuration) {
        for (const std::size_t point : analysis_->configurations[configuration].points) networks_.erase(point);
        before_.erase(configuration);
    }

    const EvaluationSet* set_;
    const ScoreSource* scores_;
    Analysis* analysis_;
    PeopleHalves halves_;
    NetworksByPoint networks_;
    std::map<std::size_t, std::optional<WorstBefore>> before_;  ///< by configuration
    std::vector<std::uint8_t> is_one_;
};

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
    analysis.points = done_points(input);
    NetworkRoom room(set, scores, analysis);
    std::vector<ContrastList> contrasts(analysis.configurations.size());
    for (const ContrastStep& step : contrast_steps(analysis.configurations)) contrasts[step.treated] = room.work(step);
    analysis.contrasts = unite_contrasts(std::move(contrasts), analysis.configurations, set.bootstrap.seed());
    analysis.warnings = make_warnings(input, analysis.configurations);
    analysis.planted = parse_planted(input.planted, input.groups);
    analysis.banner = make_banner(input, analysis);
    const auto is_gap = [](const Contrast& contrast) { return contrast.metric == "gap"; };
    if (input.groups.size() > 1 && !analysis.contrasts.empty() &&
        std::none_of(analysis.contrasts.begin(), analysis.contrasts.end(), is_gap))
        analysis.warnings.push_back(
            "no change of a gap is given: too few people to choose the worst group on others than it is judged on");
    if (const auto equal = equal_images_warning(set.pairs, room.is_one())) analysis.warnings.push_back(*equal);
    analysis.findings = make_findings(input, analysis);
    return analysis;
}

}  // namespace fairsweep
