#include "report/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "fairsweep/text.hpp"
#include "metrics/fairness.hpp"

namespace fairsweep {
namespace {

std::string range(const Interval& interval, const char* format) {
    return fmt::format(fmt::runtime(fmt::format("[{}, {}]", format, format)), interval.low, interval.high);
}

/// "group D, 14.2 % errors [12.1, 16.6]"
std::string group_error(const AnalysisInput& input, const Summary& summary, std::size_t group) {
    const Figure& accuracy = summary.groups[group].accuracy;
    return fmt::format("group {}, {:.1f} % errors {}", input.groups[group], 100.0 - accuracy.value,
                       range({100.0 - accuracy.interval.high, 100.0 - accuracy.interval.low}, "{:.1f}"));
}

void add_dense_findings(const AnalysisInput& input, const Analysis& analysis, std::vector<std::string>& findings) {
    for (const AnalysedConfiguration& configuration : analysis.configurations) {
        if (configuration.configuration.arm != Arm::dense) continue;
        const Summary& summary = configuration.summary;
        std::string text =
            fmt::format("Uncompressed {} ({}, mean of {} seed{}) is {:.1f} % right on average.",
                        configuration.configuration.axes.architecture(), configuration.configuration.axes.training_set(),
                        configuration.seeds.size(), configuration.seeds.size() == 1 ? "" : "s", summary.average.value);
        if (input.groups.size() > 1) {
            text += fmt::format(" Worst served is {}; best {}.", group_error(input, summary, summary.worst_group),
                                group_error(input, summary, summary.best_group));
            text += fmt::format(
                " STD over groups {:.2f} points {}; without any bias chance alone would give {:.2f} on average, {:.2f} or more "
                "in 5 % of cases.",
                summary.deviation.value, range(summary.deviation.interval, "{:.2f}"), summary.deviation_no_bias.mean,
                summary.deviation_no_bias.p95);
        }
        findings.push_back(std::move(text));
    }
}

struct Span {
    double low = 1e300;
    double high = -1e300;
    int count = 0;
    void add(double value) {
        low = std::min(low, value);
        high = std::max(high, value);
        ++count;
    }
};

/// What bit width did to accuracy, relative to the sham twin.
void add_cost_findings(const Analysis& analysis, std::vector<std::string>& findings) {
    std::map<Bits, Span, std::greater<>> average_change;
    for (const Contrast& contrast : analysis.contrasts) {
        if (contrast.kind != "compressed - sham" || contrast.metric != "std") continue;
        const AnalysedConfiguration& treated = analysis.configurations[contrast.treated];
        const AnalysedConfiguration& reference = analysis.configurations[contrast.reference];
        average_change[treated.configuration.axes.bits()].add(treated.summary.average.value - reference.summary.average.value);
    }
    for (const auto& [bits, span] : average_change) {
        const std::string name = bits.is_float() ? "Pruning alone (32 bits)" : bits.text() + " bits";
        findings.push_back(
            fmt::format("{}: average accuracy changes by {:+.1f} to {:+.1f} points against the same fine-tuning without "
                        "compression ({} configuration{}).",
                        name, span.low, span.high, span.count, span.count == 1 ? "" : "s"));
    }
}

/// The primary family: did compression widen the gap of the group that was worst before?
void add_primary_findings(const Analysis& analysis, std::vector<std::string>& findings) {
    std::vector<const Contrast*> family;
    for (const Contrast& contrast : analysis.contrasts)
        if (contrast.primary) family.push_back(&contrast);
    if (family.empty()) return;
    const auto clear = [](const Contrast* c) { return c->p_adjusted < 0.05; };
    const auto wider =
        std::count_if(family.begin(), family.end(), [&](const Contrast* c) { return clear(c) && c->estimate.value > 0.0; });
    const auto narrower =
        std::count_if(family.begin(), family.end(), [&](const Contrast* c) { return clear(c) && c->estimate.value < 0.0; });
    const auto floors = std::count_if(family.begin(), family.end(), [](const Contrast* c) { return c->floor; });
    std::string text = fmt::format(
        "Compression clearly widened the gap between the worst dense group and the others (adjusted p < 0.05, Holm over {} "
        "tests) in "
        "{} configurations, and clearly narrowed it in {}.",
        family.size(), wider, narrower);
    if (floors > 0)
        text += fmt::format(" {} of the {} have a group below {} % accuracy, where gaps shrink because everybody fails.", floors,
                            family.size(), kFloorAccuracyPercent);
    findings.push_back(std::move(text));
    const Contrast& largest = **std::max_element(
        family.begin(), family.end(), [](const Contrast* a, const Contrast* b) { return a->estimate.value < b->estimate.value; });
    findings.push_back(fmt::format("Largest widening: {} by {:+.1f} points {} for group {}, {} seed{}, adjusted p = {:.2g}.",
                                   text_of(analysis.configurations[largest.treated].configuration), largest.estimate.value,
                                   range(largest.estimate.interval, "{:+.1f}"), largest.group, largest.seeds,
                                   largest.seeds == 1 ? "" : "s", largest.p_adjusted));
}

void add_calibration_findings(const Analysis& analysis, std::vector<std::string>& findings) {
    std::map<std::string, std::vector<const Contrast*>> kinds;
    for (const Contrast& contrast : analysis.contrasts) {
        if (contrast.metric == "std" && contrast.kind.ends_with(" - real")) kinds[contrast.kind].push_back(&contrast);
    }
    for (const auto& [kind, contrasts] : kinds) {
        const auto lower =
            std::count_if(contrasts.begin(), contrasts.end(), [](const Contrast* c) { return c->estimate.value < 0.0; });
        const auto clear =
            std::count_if(contrasts.begin(), contrasts.end(), [](const Contrast* c) { return c->p_adjusted < 0.05; });
        findings.push_back(
            fmt::format("Calibration on {} instead of real data is associated with a lower STD over groups in {} of {} "
                        "configurations; {} of these "
                        "differences {} clear of chance (Benjamini-Hochberg, 5 %).",
                        kind.substr(0, kind.size() - 7), lower, contrasts.size(), clear, clear == 1 ? "is" : "are"));
    }
}

void add_sham_finding(const Analysis& analysis, std::vector<std::string>& findings) {
    Span change;
    for (const Contrast& contrast : analysis.contrasts) {
        if (contrast.kind == "sham - dense" && contrast.metric == "accuracy") change.add(contrast.estimate.value);
    }
    if (change.count == 0) return;
    findings.push_back(fmt::format(
        "Fine-tuning with compression off (sham) alone moves group accuracies by {:+.1f} to {:+.1f} points: this much would be "
        "blamed on compression if it were compared with the dense networks.",
        change.low, change.high));
}

}  // namespace

std::vector<std::string> make_findings(const AnalysisInput& input, const Analysis& analysis) {
    std::vector<std::string> findings;
    add_dense_findings(input, analysis, findings);
    add_cost_findings(analysis, findings);
    add_primary_findings(analysis, findings);
    add_calibration_findings(analysis, findings);
    add_sham_finding(analysis, findings);
    return findings;
}

}  // namespace fairsweep
