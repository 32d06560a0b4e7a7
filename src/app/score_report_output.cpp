#include "score_report_output.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

namespace fairsweep {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const std::optional<double>& value) { return value ? ordered_json(*value) : ordered_json(nullptr); }

std::string text_of(const std::optional<double>& value, int digits) {
    return value ? fmt::format("{:.{}f}", *value, digits) : "-";
}

std::string interval_text(const ScoreReport& report, const std::string& name, int digits) {
    const auto found = report.intervals.find(name);
    if (found == report.intervals.end()) return "";
    return fmt::format("[{:.{}f}, {:.{}f}]", found->second.low, digits, found->second.high, digits);
}

std::string no_bias_text(const ScoreReport& report, const std::string& name, const char* side, int digits) {
    const auto found = report.no_bias.find(name);
    if (found == report.no_bias.end()) return "";
    return fmt::format("mean {:.{}f}, 95 % {} {:.{}f}", found->second.mean, digits, side, found->second.p95, digits);
}

std::string group_table(const ScoreReport& report) {
    std::string text = fmt::format("{:<16}{:>8}{:>9}{:>10}{:>12}  {:<18}{:>9}  {:<18}{:>9}  {}\n", "group", "pairs", "genuine",
                                   "impostor", "accuracy %", "95 % interval", "EER", "95 % interval", "AUC", "95 % interval");
    for (const ScoreReport::Group& group : report.groups)
        text += fmt::format("{:<16}{:>8}{:>9}{:>10}{:>12}  {:<18}{:>9}  {:<18}{:>9}  {}\n", group.name,
                            group.genuine + group.impostor, group.genuine, group.impostor, text_of(group.accuracy_10fold, 3),
                            interval_text(report, "groups." + group.name + ".accuracy_10fold", 2), text_of(group.eer, 4),
                            interval_text(report, "groups." + group.name + ".eer", 4), text_of(group.auc, 4),
                            interval_text(report, "groups." + group.name + ".auc", 4));
    return text;
}

std::string spread_table(const ScoreReport& report) {
    std::string text = fmt::format("\n{:<26}{:>9}  {:<18}{}\n", "over groups", "value", "95 % interval", "if there were no bias");
    const auto line = [&](const char* label, const char* name, const std::optional<double>& value) {
        text += fmt::format("{:<26}{:>9}  {:<18}{}\n", label, text_of(value, 3), interval_text(report, name, 3),
                            no_bias_text(report, name, "below", 3));
    };
    line("average accuracy %", "average", report.average);
    line("STD (ddof 1), points", "std", report.std);
    line("SER", "ser", report.ser);
    line("largest gap, points", "gap", report.gap);
    return text;
}

std::string threshold_table(const ScoreReport& report) {
    std::string text;
    for (const ScoreReport::At& at : report.at) {
        const std::string place = "at." + at.name + ".";
        text += fmt::format("\nat {}: threshold {} ({})\n", at.name, text_of(at.threshold, 4), report.threshold_source);
        text += fmt::format("  {:<14}{:>9}  {:<20}{:>9}  {:<20}{:>9}\n", "group", "FMR", "95 % interval", "FNMR", "95 % interval",
                            "accuracy");
        for (std::size_t g = 0; g < at.groups.size(); ++g) {
            const std::string group = place + "groups." + report.groups[g].name;
            text += fmt::format("  {:<14}{:>9}  {:<20}{:>9}  {:<20}{:>9}\n", report.groups[g].name, text_of(at.groups[g].fmr, 5),
                                interval_text(report, group + ".fmr", 5), text_of(at.groups[g].fnmr, 5),
                                interval_text(report, group + ".fnmr", 5), text_of(at.groups[g].accuracy, 5));
        }
        const auto index = [&](const char* label, const char* name, const std::optional<double>& value, const char* side) {
            if (!value && report.intervals.count(place + name) == 0) return;
            text += fmt::format("  {:<14}{:>9}  {:<20}if there were no bias: {}\n", label, text_of(value, 4),
                                interval_text(report, place + name, 3), no_bias_text(report, place + name, side, 3));
        };
        index("FDR", "fdr", at.fdr, "above");
        index("IR", "ir", at.ir, "below");
        index("GARBE", "garbe", at.garbe, "below");
    }
    text +=
        "\nIntervals at a threshold count that it was chosen on these pairs; --json also has them for this very threshold "
        "(.frozen).\n";
    return text;
}

ordered_json at_json(const ScoreReport& report, const ScoreReport::At& at) {
    ordered_json groups = ordered_json::object();
    for (std::size_t g = 0; g < at.groups.size(); ++g)
        groups[report.groups[g].name] = {{"fmr", json_of(at.groups[g].fmr)},
                                         {"fnmr", json_of(at.groups[g].fnmr)},
                                         {"accuracy", json_of(at.groups[g].accuracy)}};
    return {{"threshold", json_of(at.threshold)},
            {"threshold_source", report.threshold_source},
            {"fdr", json_of(at.fdr)},
            {"ir", json_of(at.ir)},
            {"garbe", json_of(at.garbe)},
            {"groups", std::move(groups)}};
}

}  // namespace

std::string score_report_json(const ScoreReport& report) {
    ordered_json root;
    root["groups"] = ordered_json::object();
    for (const ScoreReport::Group& group : report.groups)
        root["groups"][group.name] = {
            {"pairs", group.genuine + group.impostor},           {"genuine", group.genuine},  {"impostor", group.impostor},
            {"accuracy_10fold", json_of(group.accuracy_10fold)}, {"eer", json_of(group.eer)}, {"auc", json_of(group.auc)}};
    root["average"] = json_of(report.average);
    root["std"] = json_of(report.std);
    root["std_ddof"] = 1;
    root["ser"] = json_of(report.ser);
    root["gap"] = json_of(report.gap);
    root["at"] = ordered_json::object();
    for (const ScoreReport::At& at : report.at) root["at"][at.name] = at_json(report, at);
    root["intervals"] = ordered_json::object();
    for (const auto& [name, interval] : report.intervals) root["intervals"][name] = {interval.low, interval.high};
    for (const auto& [name, why] : report.without_interval) root["intervals"][name] = nullptr;
    root["intervals_missing"] = report.without_interval;
    root["no_bias"] = ordered_json::object();
    for (const auto& [name, no_bias] : report.no_bias) root["no_bias"][name] = {{"mean", no_bias.mean}, {"p95", no_bias.p95}};
    root["conventions"] = report.conventions;
    root["warnings"] = report.warnings;
    return root.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

std::string score_report_table(const ScoreReport& report) {
    std::string text = group_table(report) + spread_table(report) + threshold_table(report);
    if (!report.warnings.empty()) text += "\n";
    for (const std::string& warning : report.warnings) text += "warning: " + warning + "\n";
    return text;
}

}  // namespace fairsweep
