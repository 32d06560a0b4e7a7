#include "report/planted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "fairsweep/text.hpp"
#include "report/analysis.hpp"
#include "report/names.hpp"

namespace fairsweep {
namespace {

using nlohmann::json;

std::optional<std::size_t> position_of(const std::vector<std::string>& names, const std::string& name) {
    const auto place = std::find(names.begin(), names.end(), name);
    return place == names.end() ? std::nullopt : std::optional<std::size_t>(place - names.begin());
}

/// Throws a JSON exception, or returns nothing, for anything that the reader of planted.json does not write.
std::optional<PlantedTruth> truth_from(const json& text, const std::vector<std::string>& groups) {
    PlantedTruth truth;
    truth.seed = text.at("seed").get<std::uint64_t>();
    truth.groups.resize(groups.size());
    if (text.at("groups").size() != groups.size()) return std::nullopt;
    for (const json& entry : text.at("groups")) {
        const auto place = position_of(groups, entry.at("name").get<std::string>());
        if (!place) return std::nullopt;
        truth.groups[*place] = {groups[*place], entry.at("identity_spread").get<double>(),
                                entry.at("noise_multiplier").get<double>(), 0};
    }
    std::size_t rank = 1;
    for (const json& equally_hard : text.at("hardest_first")) {
        for (const json& name : equally_hard) {
            const auto place = position_of(groups, name.get<std::string>());
            if (!place) return std::nullopt;
            truth.groups[*place].rank = rank;
        }
        rank += equally_hard.size();
    }
    const bool all_ranked = std::none_of(truth.groups.begin(), truth.groups.end(),
                                         [](const PlantedGroup& g) { return g.name.empty() || g.rank == 0; });
    return all_ranked ? std::optional(truth) : std::nullopt;
}

std::vector<std::string> names_of_rank(const PlantedTruth& planted, std::size_t rank) {
    std::vector<std::string> names;
    for (const PlantedGroup& group : planted.groups)
        if (group.rank == rank) names.push_back(group.name);
    return names;
}

std::string with_and(const std::vector<std::string>& words) {
    if (words.size() < 2) return words.empty() ? "" : words[0];
    const std::vector<std::string> first(words.begin(), words.end() - 1);
    return fmt::format("{} and {}", fmt::join(first, ", "), words.back());
}

/// "D (identity spread 0.25, picture noise 2.5)" of all that differ from the usual 1 and 1.
std::string knobs_text(const PlantedTruth& planted) {
    std::vector<std::string> texts;
    for (const PlantedGroup& group : planted.groups) {
        if (group.identity_spread == 1.0 && group.noise_multiplier == 1.0) continue;
        texts.push_back(fmt::format("{}: identity spread {}, picture noise {}", group.name, exact_number(group.identity_spread),
                                    exact_number(group.noise_multiplier)));
    }
    return texts.empty() ? "" : fmt::format(" ({}; 1 is usual)", fmt::join(texts, "; "));
}

bool has_dense(const AnalysisInput& input, const Analysis& analysis) {
    return std::any_of(analysis.points.begin(), analysis.points.end(),
                       [&](const AnalysedPoint& p) { return input.points[p.index].point.arm == Arm::dense; });
}

/// "Found: D has the most errors in 68 of 68 networks."
std::string found_text(const Analysis& analysis, const PlantedTruth& planted) {
    std::vector<std::size_t> worst(planted.groups.size(), 0);
    for (const AnalysedPoint& point : analysis.points) ++worst[point.summary.worst_group];
    const std::string networks = counted(analysis.points.size(), "network");
    const std::vector<std::string> hardest = names_of_rank(planted, 1);
    if (hardest.size() < planted.groups.size()) {
        std::size_t hits = 0;
        for (std::size_t g = 0; g < worst.size(); ++g) hits += planted.groups[g].rank == 1 ? worst[g] : 0;
        return fmt::format("Found: {}{} has the most errors in {} of {}.", hardest.size() > 1 ? "one of " : "", with_and(hardest),
                           hits, networks);
    }
    std::vector<std::string> counts;
    for (std::size_t g = 0; g < worst.size(); ++g)
        if (worst[g] > 0) counts.push_back(fmt::format("{} in {}", planted.groups[g].name, worst[g]));
    return fmt::format("Found: of {}, the group with the most errors is {}.", networks, with_and(counts));
}

/// "Mean error of the uncompressed networks, largest first: D 14.2 %, B 3.1 %."
std::string measured_text(const AnalysisInput& input, const Analysis& analysis) {
    const std::vector<double> errors = mean_errors_percent(input, analysis);
    std::vector<std::size_t> order(errors.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&errors](std::size_t a, std::size_t b) { return errors[a] > errors[b]; });
    std::vector<std::string> texts;
    for (const std::size_t g : order) texts.push_back(fmt::format("{} {:.1f} %", input.groups[g], errors[g]));
    return fmt::format("Mean error of {}, largest first: {}.",
                       has_dense(input, analysis) ? "the uncompressed networks" : "all networks", fmt::join(texts, ", "));
}

}  // namespace

std::optional<PlantedTruth> parse_planted(const std::string& text, const std::vector<std::string>& groups) {
    if (text.empty()) return std::nullopt;
    try {
        return truth_from(json::parse(text), groups);
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

std::string planted_order(const PlantedTruth& planted) {
    std::string text;
    for (std::size_t rank = 1; rank <= planted.groups.size(); ++rank) {
        const std::vector<std::string> names = names_of_rank(planted, rank);
        if (names.empty()) continue;
        text += (text.empty() ? "" : ", then ") + with_and(names) + (names.size() > 1 ? " (equally hard)" : "");
    }
    return text;
}

std::vector<double> mean_errors_percent(const AnalysisInput& input, const Analysis& analysis) {
    const bool only_dense = has_dense(input, analysis);
    std::vector<double> errors(input.groups.size(), 0.0);
    double networks = 0.0;
    for (const AnalysedPoint& point : analysis.points) {
        if (only_dense && input.points[point.index].point.arm != Arm::dense) continue;
        networks += 1.0;
        for (std::size_t g = 0; g < errors.size(); ++g) errors[g] += 100.0 - point.summary.groups[g].accuracy.value;
    }
    for (double& error : errors) error /= networks;
    return errors;
}

std::vector<std::string> make_banner(const AnalysisInput& input, const Analysis& analysis) {
    const std::string drawn =
        "Drawn faces: the people of the evaluation set were drawn by fairsweep. Nothing here is about real people or real "
        "groups.";
    if (!analysis.planted) return input.planted.empty() ? std::vector<std::string>() : std::vector<std::string>{drawn};
    const PlantedTruth& planted = *analysis.planted;
    const bool equal = names_of_rank(planted, 1).size() == planted.groups.size();
    return {drawn,
            equal ? "Planted: no group is harder than another."
                  : fmt::format("Planted, hardest first: {}{}.", planted_order(planted), knobs_text(planted)),
            found_text(analysis, planted) + " " + measured_text(input, analysis)};
}

}  // namespace fairsweep
