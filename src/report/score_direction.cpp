#include "report/score_direction.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fairsweep/error.hpp"
#include "metrics/error_rates.hpp"

namespace fairsweep {
namespace {

constexpr double kGuessing = 0.5;

std::string auc_text(const std::vector<double>& aucs) {
    const auto [low, high] = std::ranges::minmax(aucs);
    if (fmt::format("{:.3f}", low) == fmt::format("{:.3f}", high)) return fmt::format("AUC {:.3f} in every group", low);
    return fmt::format("AUC {:.3f} to {:.3f} in every group", low, high);
}

}  // namespace

std::optional<std::string> direction_warning(const std::vector<ScoreReport::Group>& groups) {
    std::vector<std::string> below;
    std::size_t judged = 0;
    for (const ScoreReport::Group& group : groups) {
        if (group.auc) ++judged;
        if (group.auc && *group.auc < kGuessing) below.push_back(fmt::format("{} ({:.3f})", group.name, *group.auc));
    }
    if (below.empty()) return std::nullopt;
    const char* which = below.size() == judged ? "every group" : "some groups";
    return fmt::format("auc is below 0.5 in {}, worse than guessing: {}. Are scores or labels the wrong way round there?", which,
                       fmt::join(below, ", "));
}

std::optional<std::string> protocol_warning(std::span<const ProtocolFigures> groups) {
    constexpr double kTolerated = 5.0;  // points: folds of few pairs choose their thresholds with some luck
    std::vector<std::string> low;
    for (const ProtocolFigures& group : groups) {
        const double expected = 100.0 * (1.0 - group.eer);
        if (group.accuracy_percent < expected - kTolerated)
            low.push_back(fmt::format("{} ({:.1f} %, EER {:.1f} %)", group.name, group.accuracy_percent, 100.0 * group.eer));
    }
    if (low.empty()) return std::nullopt;
    constexpr std::size_t kNamed = 6;
    const std::size_t all = low.size();
    low.resize(std::min(all, kNamed));
    return fmt::format(
        "accuracy_10fold is far below what the EER promises in {} {}: {}{}. The protocol's thresholds lie 0.01 apart and its "
        "folds "
        "follow the order of the pairs: scores that lie closer together, pairs sorted by kind or by score, and folds of one kind "
        "make it too low",
        all, all == 1 ? "group" : "groups", fmt::join(low, ", "), all > kNamed ? ", ..." : "");
}

void refuse_reversed_scores(const ItemTable& pairs, std::span<const double> scores, const std::filesystem::path& file,
                            bool were_distances) {
    std::vector<double> aucs;
    for (std::size_t g = 0; g < pairs.groups.size(); ++g) {
        const std::size_t begin = pairs.group_begin[g];
        const std::size_t count = pairs.group_begin[g + 1] - begin;
        const auto auc = area_under_curve(scores.subspan(begin, count), std::span(pairs.label).subspan(begin, count));
        if (auc && *auc >= kGuessing) return;
        if (auc) aucs.push_back(*auc);
    }
    if (aucs.empty()) return;
    const char* otherwise = "; where `same` is 0 for one person, turn it round; --allow-reversed takes the scores as they are";
    if (were_distances)
        throw_data({.attempted = "these look like similarities, not distances",
                    .where = file.string(),
                    .found = auc_text(aucs) + " with --distance: pairs of one person have the larger distances",
                    .expected = "an AUC of 0.5 or more in some group",
                    .hint = std::string("leave --distance out") + otherwise});
    throw_data({.attempted = fmt::format("these look like distances ({}): give --distance", auc_text(aucs)),
                .where = file.string(),
                .found = "lower scores for pairs of one person than for others",
                .expected = "similarities: an AUC of 0.5 or more in some group",
                .hint = std::string("the same command with --distance takes them as distances") + otherwise});
}

}  // namespace fairsweep
