#include "report/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "fairsweep/error.hpp"
#include "metrics/pair_checks.hpp"
#include "plan/tasks.hpp"
#include "report/contrasts.hpp"
#include "report/conventions.hpp"
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

std::string floor_warning(const std::vector<AnalysedConfiguration>& configurations, double floor_percent) {
    const auto floors = std::count_if(configurations.begin(), configurations.end(),
                                      [](const AnalysedConfiguration& c) { return c.summary.has_floor(); });
    if (floors == 0) return {};
    return fmt::format("floor: {} {} a group below {:.3g} % accuracy", counted(floors, "configuration"),
                       floors == 1 ? "has" : "have", floor_percent);
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

/// What can be odd about pairs and the thresholds that are chosen on them.
void add_verification_warnings(const AnalysisInput& input, const std::vector<AnalysedConfiguration>& configurations,
                               std::vector<std::string>& warnings) {
    warnings.emplace_back("thresholds were chosen on the test pairs: there is no development set");
    if (const auto warning = contradiction_warning(input.items)) warnings.push_back(*warning);
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
}

std::vector<std::string> make_warnings(const AnalysisInput& input, const Analysis& analysis) {
    const std::vector<AnalysedConfiguration>& configurations = analysis.configurations;
    std::vector<std::string> warnings;
    if (input.classes.empty()) add_verification_warnings(input, configurations, warnings);
    // People who are in several groups of another column are no surprise.
    if (const auto shared = input.grouped_by.empty() ? shared_people_warning(input.items) : std::nullopt)
        warnings.push_back(*shared);
    if (const auto few = few_people_warning(input.items)) warnings.push_back(*few);
    if (!input.grouped_by.empty()) warnings.push_back("groups are the values of the column " + input.grouped_by);
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
    for (const std::string& text : {floor_warning(configurations, analysis.floor_percent), repeated_seed_warning(configurations)})
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
          halves_(set.clusters, set.items, set.seed),
          is_one_(set.items.size(), 1) {}

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
        for (std::size_t p = 0; set_->classes == 0 && p < is_one_.size(); ++p)
            is_one_[p] = is_one_[p] != 0 && own[p] == 1.0F ? 1 : 0;
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
    analysis.configurations = group_by_configuration(input);
    if (analysis.configurations.empty()) {
        throw_data({.attempted = "analyse a sweep",
                    .where = input.sweep_name,
                    .found = fmt::format("{} points, none of them done", input.points.size()),
                    .expected = "at least one finished point",
                    .hint = "see why with: fairsweep status STORE"});
    }
    const EvaluationSet set(input.items, {options.replicates, options.seed}, input.task, input.classes.size());
    refuse_unusable(set, std::string("the ") + task_info(input.task).items + " of the analysis file");
    analysis.floor_percent = floor_percent(set);
    analysis.conventions = make_conventions(set);
    analysis.points = done_points(input);
    NetworkRoom room(set, scores, analysis);
    std::vector<ContrastList> contrasts(analysis.configurations.size());
    for (const ContrastStep& step : contrast_steps(analysis.configurations)) contrasts[step.treated] = room.work(step);
    analysis.contrasts = unite_contrasts(std::move(contrasts), analysis.configurations, set.seed);
    analysis.warnings = make_warnings(input, analysis);
    analysis.planted = parse_planted(input.planted, input.groups);
    analysis.banner = make_banner(input, analysis);
    const auto is_gap = [](const Contrast& contrast) { return contrast.metric == "gap"; };
    if (input.groups.size() > 1 && !analysis.contrasts.empty() &&
        std::none_of(analysis.contrasts.begin(), analysis.contrasts.end(), is_gap))
        analysis.warnings.push_back(
            "no change of a gap is given: too few people to choose the worst group on others than it is judged on");
    if (const auto equal = set.classes > 0 ? std::nullopt : equal_images_warning(set.items, room.is_one()))
        analysis.warnings.push_back(*equal);
    analysis.findings = make_findings(input, analysis);
    return analysis;
}

}  // namespace fairsweep
