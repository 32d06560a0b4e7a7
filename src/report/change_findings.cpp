#include "report/change_findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "report/names.hpp"

namespace fairsweep {
namespace {

using Changes = std::vector<const Contrast*>;

constexpr std::size_t kNamesShown = 6;
constexpr std::size_t kChoicesShown = 12;

/// Contrasts of a kind and metric that have a value.
Changes changes_of(const Analysis& analysis, const std::string& kind, const std::string& metric) {
    Changes changes;
    for (const Contrast& contrast : analysis.contrasts) {
        if (contrast.kind == kind && contrast.metric == metric && std::isfinite(contrast.estimate.value))
            changes.push_back(&contrast);
    }
    return changes;
}

bool is_clear(const Contrast* change) { return change->p_adjusted < kClearP; }
bool is_up(const Contrast* change) { return change->estimate.value > 0.0; }
bool is_down(const Contrast* change) { return change->estimate.value < 0.0; }

template <typename Rule>
std::size_t count(const Changes& changes, Rule rule) {
    return static_cast<std::size_t>(std::count_if(changes.begin(), changes.end(), rule));
}

bool is_smaller(const Contrast* a, const Contrast* b) { return a->estimate.value < b->estimate.value; }
const Contrast& smallest(const Changes& changes) { return **std::min_element(changes.begin(), changes.end(), is_smaller); }
const Contrast& largest(const Changes& changes) { return **std::max_element(changes.begin(), changes.end(), is_smaller); }

std::string p_text(const Contrast& change) {
    return change.p_adjusted < 0.001 ? "adjusted p < 0.001" : fmt::format("adjusted p = {:.2g}", change.p_adjusted);
}

/// Writes changes with what they belong to.
class Teller {
public:
    explicit Teller(const Analysis& analysis) : analysis_(analysis), names_(analysis.configurations, analysis.axes) {}

    [[nodiscard]] std::string name(const Contrast& change) const {
        return names_(analysis_.configurations[change.treated].configuration);
    }
    /// "-0.4 points [-1.0, +0.2] (iresnet10, 8 bits, real calibration; group D)"
    [[nodiscard]] std::string whole(const Contrast& change, bool with_group) const {
        return fmt::format("{} points {}", signed_points(change.estimate.value), place(change, with_group));
    }
    /// "by -0.4 points [...] (...)", or from the smallest to the largest, each with its interval.
    [[nodiscard]] std::string span(const Changes& changes, bool with_group = false) const {
        const Contrast& low = smallest(changes);
        const Contrast& high = largest(changes);
        if (changes.size() == 1) return "by " + whole(low, with_group);
        const std::string from = signed_points(low.estimate.value), to = signed_points(high.estimate.value);
        if (from == to)
            return fmt::format("by {} points in each of {} cases, from {} to {}", from, changes.size(), place(low, with_group),
                               place(high, with_group));
        return fmt::format("by between {} and {}", whole(low, with_group), whole(high, with_group));
    }

private:
    [[nodiscard]] std::string place(const Contrast& change, bool with_group) const {
        return fmt::format("{} ({}{})", signed_range(change.estimate.interval), name(change),
                           with_group ? "; group " + change.group : "");
    }

    const Analysis& analysis_;
    ConfigurationNames names_;
};

/// "; clear of chance in 2 of 4"; of one: "; clear of chance" or "; not clear of chance".
std::string clear_text(const Changes& changes) {
    const std::size_t clear = count(changes, is_clear);
    if (changes.size() == 1) return clear == 1 ? "; clear of chance" : "; not clear of chance";
    return fmt::format("; clear of chance in {} of {}", number_or_none(clear), changes.size());
}

/// How a network is compressed: the axes that a cost sentence names.
struct Choice {
    bool both = false;
    bool pruned = false;
    int weight = 32;  ///< minus the width, so that wide comes first
    int activation = 32;
    double sparsity = 0.0;
    std::string pruning;
    auto operator<=>(const Choice&) const = default;
};

Choice choice_of(const Configuration& c) {
    const bool pruned = c.axes.sparsity() > 0.0;
    return {pruned && !c.axes.bits().is_float(),
            pruned,
            -c.axes.bits().weight,
            -c.axes.bits().activation,
            c.axes.sparsity(),
            c.axes.pruning()};
}

std::string text_of_choice(const Configuration& c) {
    if (c.axes.sparsity() == 0.0) return c.axes.bits().text() + " bits, nothing pruned";
    if (c.axes.bits().is_float()) return "Pruning alone (32 bits), " + sparsity_text(c);
    return c.axes.bits().text() + " bits and " + sparsity_text(c);
}

/// The largest of many is quoted with limits that hold for all of them together.
std::string shared_limits(const Contrast& change) {
    if (std::isnan(change.simultaneous.low)) return {};
    return "; limits that hold for the whole family " + signed_range(change.simultaneous);
}

std::string largest_widening(const Teller& teller, const Changes& family) {
    Changes clear;
    for (const Contrast* change : family)
        if (is_clear(change) && is_up(change)) clear.push_back(change);
    const Contrast& most = largest(clear.empty() ? family : clear);
    const std::string facts =
        fmt::format("{}; {}, {}{}", teller.whole(most, true), counted(most.seeds, "seed"), p_text(most), shared_limits(most));
    if (!clear.empty()) return "Largest clear widening: " + facts + ".";
    if (is_up(&most)) return "No widening is clear of chance; the largest estimate is " + facts + ".";
    return "No gap is wider even by its estimate; the one nearest to widening is " + facts + ".";
}

/// Where compressed networks have no twin at all.
std::vector<std::string> without_family(const Analysis& analysis) {
    const bool compressed = std::any_of(analysis.configurations.begin(), analysis.configurations.end(),
                                        [](const AnalysedConfiguration& c) { return c.configuration.arm == Arm::compressed; });
    const bool groups = !analysis.configurations.empty() && analysis.configurations[0].summary.groups.size() > 1;
    if (!compressed || !groups) return {};
    const bool has_twin = std::any_of(analysis.contrasts.begin(), analysis.contrasts.end(),
                                      [](const Contrast& contrast) { return contrast.kind == "compressed - sham"; });
    if (has_twin) return {"No change of a gap could be judged: there are too few people to choose the worst group on others."};
    return {
        "No compressed network could be compared with a sham twin: what compression did is not told apart from what the "
        "fine-tuning did (see the warnings)."};
}

/// "lower in 4 (none clear of chance), higher in 10 (1 clear of chance)"
std::string directions(const Changes& changes) {
    const auto part = [&](const char* word, bool (*direction)(const Contrast*)) {
        const std::size_t all = count(changes, direction);
        if (all == 0) return fmt::format("{} in none", word);
        const std::size_t clear = count(changes, [&](const Contrast* c) { return direction(c) && is_clear(c); });
        return fmt::format("{} in {} ({} clear of chance)", word, all, number_or_none(clear));
    };
    return part("lower", is_down) + " and " + part("higher", is_up);
}

/// Changes of the accuracy of the group that was worst in the dense arm: those whose gap stands beside them.
Changes worst_group_changes(const Analysis& analysis, const std::string& kind) {
    std::set<std::pair<std::size_t, std::string>> worst;
    for (const Contrast* gap : changes_of(analysis, kind, "gap")) worst.emplace(gap->treated, gap->group);
    Changes result;
    for (const Contrast* change : changes_of(analysis, kind, "accuracy"))
        if (worst.contains({change->treated, change->group})) result.push_back(change);
    return result;
}

/// The same with errors in place of accuracies, for sentences about errors.
std::vector<Contrast> as_errors(const Changes& accuracies) {
    std::vector<Contrast> errors;
    for (const Contrast* accuracy : accuracies) {
        Contrast error = *accuracy;
        error.estimate.value = -accuracy->estimate.value;
        error.estimate.interval = {-accuracy->estimate.interval.high, -accuracy->estimate.interval.low};
        errors.push_back(std::move(error));
    }
    return errors;
}

Changes pointers_to(const std::vector<Contrast>& contrasts) {
    Changes changes;
    for (const Contrast& contrast : contrasts) changes.push_back(&contrast);
    return changes;
}

}  // namespace

std::vector<std::string> cost_findings(const Analysis& analysis) {
    std::map<Choice, Changes> choices;
    for (const Contrast* change : changes_of(analysis, "compressed - sham", "average"))
        choices[choice_of(analysis.configurations[change->treated].configuration)].push_back(change);
    const Teller teller(analysis);
    std::vector<std::string> findings;
    for (const auto& [choice, changes] : choices) {
        if (findings.size() == kChoicesShown) {
            findings.push_back(fmt::format("{} of bits and pruning: see the table of changes.",
                                           counted(choices.size() - kChoicesShown, "more combination")));
            break;
        }
        findings.push_back(fmt::format("{}: average accuracy changes {}, against the same fine-tuning without compression{}.",
                                       text_of_choice(analysis.configurations[changes.front()->treated].configuration),
                                       teller.span(changes), clear_text(changes)));
    }
    return findings;
}

std::vector<std::string> gap_findings(const Analysis& analysis) {
    Changes family;
    for (const Contrast* change : changes_of(analysis, "compressed - sham", "gap"))
        if (change->primary) family.push_back(change);
    if (family.empty()) return without_family(analysis);
    const Teller teller(analysis);
    std::vector<std::string> wider;
    for (const Contrast* change : family)
        if (is_clear(change) && is_up(change)) wider.push_back(teller.name(*change));
    const std::size_t narrower = count(family, [](const Contrast* c) { return is_clear(c) && is_down(c); });
    const std::size_t floors = count(family, [](const Contrast* c) { return c->floor; });
    std::string text = fmt::format(
        "Compression clearly widened the gap between the worst dense group and the others in {} of {} (adjusted p < 0.05; Holm "
        "over {}){}{}. It clearly narrowed it in {}.",
        number_or_none(wider.size()), counted(family.size(), "configuration"), counted(family.size(), "test"),
        wider.empty() ? "" : ": ", listed(wider, kNamesShown), number_or_none(narrower));
    if (floors > 0)
        text +=
            fmt::format(" In {} of the {}, a group has an accuracy below {:.3g} %, where gaps shrink because everybody fails.",
                        floors, family.size(), analysis.floor_percent);
    return {text, largest_widening(teller, family)};
}

std::vector<std::string> calibration_findings(const Analysis& analysis) {
    std::map<std::string, int> kinds;
    for (const Contrast& contrast : analysis.contrasts)
        if (contrast.kind.ends_with(" - real")) kinds[contrast.kind];
    const Teller teller(analysis);
    std::vector<std::string> findings;
    for (const auto& [kind, unused] : kinds) {
        const std::vector<Contrast> errors = as_errors(worst_group_changes(analysis, kind));
        const Changes deviations = changes_of(analysis, kind, "std"), worst = pointers_to(errors);
        if (deviations.empty() || worst.empty()) continue;
        findings.push_back(fmt::format(
            "Calibration on {} instead of real data, {} compared: the error of the worst dense group is {}; it changes {}. STD "
            "over groups is {}. Clear of chance: Benjamini-Hochberg, 5 %; an association, since data and people change together.",
            kind.substr(0, kind.size() - 7), counted(deviations.size(), "configuration"), directions(worst), teller.span(worst),
            directions(deviations)));
    }
    return findings;
}

std::vector<std::string> sham_findings(const Analysis& analysis) {
    const Changes changes = changes_of(analysis, "sham - dense", "accuracy");
    if (changes.empty()) return {};
    const std::size_t clear = count(changes, is_clear);
    return {
        fmt::format("Fine-tuning with compression off (sham) changes the accuracy of a group {}, against the dense networks; {} "
                    "of {} {} clear of "
                    "chance (Benjamini-Hochberg, 5 %){}.",
                    Teller(analysis).span(changes, true), number_or_none(clear), counted(changes.size(), "such change"),
                    clear > 1 ? "are" : "is",
                    clear > 0 ? ": this would be blamed on compression if it were compared with the dense networks" : "")};
}

}  // namespace fairsweep
