#include "store/duplicates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "fairsweep/error.hpp"
#include "plan/tasks.hpp"

namespace fairsweep {
namespace {

std::optional<std::vector<float>> scores_if_whole(const StoreReader& store, const Digest& point) {
    try {
        return store.scores(point);
    } catch (const Error&) {
        return std::nullopt;
    }
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    double largest = 0.0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    return largest;
}

struct AccuracyDifference {
    double points = 0.0;
    std::string group;
};

AccuracyDifference accuracy_difference(const StoreReader& kept, const StoreReader& other, const Digest& point) {
    const auto& groups = kept.row(point)->outcome.groups;
    const auto& others = other.row(point)->outcome.groups;
    const std::size_t column = accuracy_column(task_info(kept.plan().task));
    AccuracyDifference largest;
    for (std::size_t g = 0; g < std::min(groups.size(), others.size()); ++g) {
        const double points = std::abs(groups[g][column] - others[g][column]);
        if (points > largest.points) largest = {points, kept.plan().groups[g]};
    }
    return largest;
}

}  // namespace

void compare_results(const StoreReader& kept, const StoreReader& other, const Digest& point, DuplicateComparison& comparison) {
    const auto other_scores = scores_if_whole(other, point);
    if (!other_scores) {
        ++comparison.unreadable;
        return;
    }
    ++comparison.compared;
    const std::vector<float> scores = kept.scores(point);
    const AccuracyDifference accuracy = accuracy_difference(kept, other, point);
    if (scores == *other_scores && accuracy.points == 0.0) return;
    ++comparison.differ;
    const double difference = largest_difference(scores, *other_scores);
    const bool is_largest = accuracy.points > comparison.largest_accuracy_difference ||
                            (comparison.largest_accuracy_difference == 0.0 && difference > comparison.largest_score_difference);
    if (is_largest || comparison.differ == 1) {
        comparison.largest_point = point;
        comparison.largest_group = accuracy.group;
    }
    comparison.largest_score_difference = std::max(comparison.largest_score_difference, difference);
    comparison.largest_accuracy_difference = std::max(comparison.largest_accuracy_difference, accuracy.points);
}

std::string difference_text(const DuplicateComparison& comparison, const std::string& sources) {
    std::string text;
    if (comparison.differ > 0) {
        text = fmt::format(
            "these stores contradict each other: {} of {} results that more than one of them has are not the same. Largest "
            "difference: {:.3g} in a score, {:.3g} points in an accuracy (point {}{}). Kept is the store named first among those "
            "that have the point ({}). Between machines, results of networks with few bits may differ so; on one machine they "
            "may "
            "not: then the data or a store were changed",
            comparison.differ, comparison.compared, comparison.largest_score_difference, comparison.largest_accuracy_difference,
            comparison.largest_point.short_hex(), comparison.largest_group.empty() ? "" : ", group " + comparison.largest_group,
            sources);
    }
    if (comparison.unreadable > 0) {
        text += fmt::format(
            "{}{} results that more than one store has could not be compared: their scores in the store named "
            "later are missing or damaged",
            text.empty() ? "" : "; ", comparison.unreadable);
    }
    return text;
}

}  // namespace fairsweep
