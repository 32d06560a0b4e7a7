#include "plan/find_point.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>
#include <vector>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kListed = 8;

std::string lower(std::string_view word) {
    std::string text(word);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return text;
}

std::string listed(const Plan& plan, const std::vector<const Point*>& points) {
    std::string text;
    for (std::size_t i = 0; i < std::min(points.size(), kListed); ++i) text += "\n    " + describe_point(plan, *points[i]);
    if (points.size() > kListed) text += fmt::format("\n    ... {} more", points.size() - kListed);
    return text;
}

/// How many digits of `id` and `word` agree, place by place: a digit mistyped or two swapped leave most of them.
std::ptrdiff_t agreement(const std::string& id, const std::string& word) {
    std::ptrdiff_t same = 0;
    for (std::size_t i = 0; i < std::min(id.size(), word.size()); ++i) same += id[i] == word[i] ? 1 : 0;
    return same;
}

/// All points, the nearest first; in grid order for an empty word.
std::vector<const Point*> nearest_points(const Plan& plan, const std::string& word) {
    std::vector<std::pair<std::ptrdiff_t, const Point*>> order;
    for (const Point& point : plan.points) order.emplace_back(-agreement(point.id.hex(), word), &point);
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<const Point*> nearest;
    for (const auto& [distance, point] : order) nearest.push_back(point);
    return nearest;
}

}  // namespace

std::string describe_point(const Plan& plan, const Point& point) {
    std::string text = fmt::format("{} {} {}, {}", point.id.short_hex(), name_of(point.arm), point.axes.architecture(),
                                   point.axes.training_set());
    for (std::size_t axis = 0; axis < plan.axes.size(); ++axis) {
        const bool is_said = axis == index_of(Axis::architecture) || axis == index_of(Axis::training_set);
        const bool is_of_finetune = axis < count_of<Axis>;
        if (is_said || (is_of_finetune && point.arm == Arm::dense)) continue;
        if (std::holds_alternative<std::monostate>(point.axes[axis])) continue;
        text += fmt::format(", {} {}", plan.axes[axis].name, text_of(point.axes[axis]));
    }
    return text + fmt::format(", seed {}", point.seed);
}

const Point& find_point(const Plan& plan, std::string_view word) {
    const std::string wanted = lower(word);
    const bool is_hex = std::all_of(wanted.begin(), wanted.end(), [](unsigned char digit) { return std::isxdigit(digit) != 0; });
    if (!is_hex || wanted.size() < kPointDigitsMin || wanted.size() > 64) {
        throw_usage({.attempted = "cannot find a point",
                     .where = "sweep " + plan.sweep_name,
                     .found = "'" + std::string(word.substr(0, 80)) + "'",
                     .expected = fmt::format("the id of a point or its first {} or more of 64 hex digits", kPointDigitsMin),
                     .hint = "points of this sweep:" + listed(plan, nearest_points(plan, ""))});
    }
    std::vector<const Point*> meant;
    std::set<Digest> ids;
    for (const Point& point : plan.points)
        if (point.id.hex().starts_with(wanted) && ids.insert(point.id).second) meant.push_back(&point);
    if (meant.size() == 1) return *meant.front();
    if (meant.empty()) {
        throw_usage({.attempted = "cannot find a point",
                     .where = "sweep " + plan.sweep_name,
                     .found = "no point " + wanted,
                     .expected = fmt::format("one of its {} points", plan.points.size()),
                     .hint = "nearest:" + listed(plan, nearest_points(plan, wanted))});
    }
    throw_usage({.attempted = "cannot tell which point is meant",
                 .where = "sweep " + plan.sweep_name,
                 .found = fmt::format("{} points begin with {}", meant.size(), wanted),
                 .expected = "more digits",
                 .hint = "these:" + listed(plan, meant)});
}

}  // namespace fairsweep
