#include "report/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/change_findings.hpp"
#include "report/names.hpp"

namespace fairsweep {
namespace {

std::string range(const Interval& interval, int digits) {
    return fmt::format("[{:.{}f}, {:.{}f}]", interval.low, digits, interval.high, digits);
}

/// "group D, 14.2 % errors [12.1, 16.6]"
std::string group_error(const AnalysisInput& input, const Summary& summary, std::size_t group) {
    const Figure& accuracy = summary.groups[group].accuracy;
    return fmt::format("group {}, {:.1f} % errors {}", input.groups[group], 100.0 - accuracy.value,
                       range({100.0 - accuracy.interval.high, 100.0 - accuracy.interval.low}, 1));
}

/// The same of all groups that tie; `alone` where ties are not known.
std::string tied(const AnalysisInput& input, const Summary& summary, const std::vector<std::size_t>& groups, std::size_t alone) {
    std::vector<std::string> texts;
    for (const std::size_t group : groups) texts.push_back(group_error(input, summary, group));
    return texts.empty() ? group_error(input, summary, alone) : fmt::format("{}", fmt::join(texts, " and "));
}

/// Says what stands where groups tell a network apart: never without the worst group's error before it.
std::string spread_text(const Summary& summary) {
    if (std::isnan(summary.deviation.value)) return {};
    std::string text = fmt::format(" STD over groups {:.2f} points", summary.deviation.value);
    if (std::isfinite(summary.deviation.interval.low)) text += " " + range(summary.deviation.interval, 2);
    if (std::isfinite(summary.deviation_no_bias.mean))
        text += fmt::format(
            "; if no group were harder than another, chance alone would give {:.2f} on average, {:.2f} or more in 5 % of cases",
            summary.deviation_no_bias.mean, summary.deviation_no_bias.p95);
    text += ".";
    if (std::isfinite(summary.homogeneity_p))
        text += summary.homogeneity_p < 0.001 ? " Test of equal groups: p < 0.001."
                                              : fmt::format(" Test of equal groups: p = {:.2g}.", summary.homogeneity_p);
    return text;
}

std::string dense_finding(const AnalysisInput& input, const AnalysedConfiguration& item, const std::string& name) {
    const Summary& summary = item.summary;
    std::string text = fmt::format("Uncompressed {} ({}) is {:.1f} % right on average.", name,
                                   item.seeds.size() == 1 ? "one network, which this is about: not the procedure that made it"
                                                          : "mean of " + counted(item.seeds.size(), "seed"),
                                   summary.average.value);
    if (input.groups.size() < 2) return text;
    text += fmt::format(" Worst served is {}; best {}.", tied(input, summary, summary.worst_groups, summary.worst_group),
                        tied(input, summary, summary.best_groups, summary.best_group));
    return text + spread_text(summary);
}

}  // namespace

std::vector<std::string> make_findings(const AnalysisInput& input, const Analysis& analysis) {
    const ConfigurationNames names(analysis.configurations, analysis.axes);
    std::vector<std::string> findings;
    for (const AnalysedConfiguration& item : analysis.configurations) {
        if (item.configuration.arm == Arm::dense) findings.push_back(dense_finding(input, item, names(item.configuration)));
    }
    for (const auto& part :
         {cost_findings(analysis), gap_findings(analysis), calibration_findings(analysis), sham_findings(analysis)})
        findings.insert(findings.end(), part.begin(), part.end());
    return findings;
}

}  // namespace fairsweep
