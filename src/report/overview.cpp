/// What was run, on what, by which program: the head of the page.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "fairsweep/text.hpp"
#include "plan/tasks.hpp"
#include "report/tables.hpp"

namespace fairsweep {
namespace {

/// Different values in order of first appearance, by commas.
template <typename Value>
std::string distinct(const std::vector<AnalysisPoint>& points, Value value) {
    std::vector<std::string> in_order;
    std::set<std::string> seen;
    for (const AnalysisPoint& point : points) {
        const std::string text = value(point);
        if (!text.empty() && seen.insert(text).second) in_order.push_back(text);
    }
    return fmt::format("{}", fmt::join(in_order, ", "));
}

/// "A: 24 images of 6 people", "A: 60 genuine and 60 impostor pairs of 20 people"
std::string items_text(const AnalysisInput& input) {
    std::string text;
    for (std::size_t g = 0; g < input.groups.size(); ++g) {
        std::size_t genuine = 0;
        std::set<std::uint32_t> people;
        for (std::uint32_t i = input.items.group_begin[g]; i < input.items.group_begin[g + 1]; ++i) {
            genuine += input.items.label[i] != 0 ? 1 : 0;
            people.insert({input.items.identity_a[i], input.items.identity_b[i]});
        }
        const std::size_t all = input.items.group_begin[g + 1] - input.items.group_begin[g];
        const std::string items = input.classes.empty() ? fmt::format("{} genuine and {} impostor pairs", genuine, all - genuine)
                                                        : fmt::format("{} images", all);
        text += fmt::format("{}{}: {} of {} people", text.empty() ? "" : "; ", input.groups[g], items, people.size());
    }
    return text;
}

std::string states_text(const AnalysisInput& input) {
    std::map<std::string, std::size_t> count;
    for (const AnalysisPoint& point : input.points) ++count[name_of(point.state)];
    std::string text;
    for (const auto& [state, points] : count) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", points, state);
    return text;
}

/// The values of every axis that has any.
std::vector<std::pair<std::string, std::string>> lines_of_axes(const AnalysisInput& input) {
    std::vector<std::pair<std::string, std::string>> lines;
    for (std::size_t axis = 0; axis < input.axes.size(); ++axis) {
        const std::string values = distinct(input.points, [axis](const AnalysisPoint& p) {
            const AxisValue& value = p.point.axes[axis];
            return std::holds_alternative<std::monostate>(value) ? std::string() : text_of(value);
        });
        std::string name = input.axes[axis].name;
        std::replace(name.begin(), name.end(), '_', ' ');
        name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
        if (!values.empty()) lines.emplace_back(std::move(name), values);
    }
    return lines;
}

}  // namespace

ResultTable overview_table(const AnalysisInput& input, const Analysis& analysis) {
    const auto& points = input.points;
    const std::vector<std::pair<std::string, std::string>> axis_lines = lines_of_axes(input);
    std::vector<std::pair<std::string, std::string>> lines{
        {"Sweep", input.sweep_name},
        {"Points", fmt::format("{} ({})", points.size(), states_text(input))},
        {"Configurations", fmt::format("{}, of which every figure is a mean over its seeds", analysis.configurations.size())},
        {"Seeds", distinct(points, [](const AnalysisPoint& p) { return std::to_string(p.point.seed); })},
        {std::string("Evaluation ") + task_info(input.task).items, items_text(input)},
        {"Data sets", fmt::format("{}", fmt::join(input.data_sets, "; "))},
        {"Program", distinct(points, [](const AnalysisPoint& p) { return p.code_version; })},
        {"Merged", fmt::format("{} from {} by {}", input.created, fmt::join(input.sources, ", "), input.code_version)},
    };
    lines.insert(lines.begin() + 3, axis_lines.begin(), axis_lines.end());
    if (analysis.planted) {
        lines.insert(lines.end() - 3, {"Faces", fmt::format("drawn by fairsweep with seed {}; planted, hardest first: {}",
                                                            analysis.planted->seed, planted_order(*analysis.planted))});
    }
    std::vector<std::string> names;
    std::vector<std::string> texts;
    for (const auto& [name, text] : lines) {
        names.push_back(name);
        texts.push_back(text.empty() ? kNoText : text);
    }
    return {"overview", {{"name", "", std::move(names)}, {"text", "", std::move(texts)}}, {}};
}

}  // namespace fairsweep
