/// The table that people see after `fairsweep analyze`.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fairsweep/text.hpp"
#include "plan/tasks.hpp"
#include "report/tables.hpp"

namespace fairsweep {
namespace {

using Cells = std::vector<std::string>;

std::string with_interval(const Figure& figure, int digits) {
    const std::string value = std::isnan(figure.value) ? "-" : fmt::format("{:.{}f}", figure.value, digits);
    if (std::isnan(figure.interval.low)) return value;
    return fmt::format("{} [{:.{}f}, {:.{}f}]", value, figure.interval.low, digits, figure.interval.high, digits);
}

/// " (2:4)": an axis without a column of its own, where it has more than its usual value.
std::string unless_usual(const std::string& value, const char* usual) {
    return value == "none" || value == usual ? "" : " (" + value + ")";
}

/// Keys of the recipe that are axes: they follow the axes that every sweep has.
std::size_t recipe_axes(const AnalysisInput& input) { return input.axes.size() - count_of<Axis>; }

Cells header(const AnalysisInput& input) {
    Cells cells{"architecture", "training", "arm", "bits", "calibration", "sparsity"};
    for (std::size_t axis = count_of<Axis>; axis < input.axes.size(); ++axis) cells.push_back(input.axes[axis].name);
    cells.emplace_back("seeds");
    cells.insert(cells.end(), input.groups.begin(), input.groups.end());
    cells.insert(cells.end(), {"Avg", "STD [95 %]", "SER [95 %]", "worst"});
    return cells;
}

Cells row(const AnalysisInput& input, const AnalysedConfiguration& item) {
    const Configuration& c = item.configuration;
    Cells cells{c.axes.architecture(),
                c.axes.training_set(),
                name_of(c.arm) + unless_usual(c.axes.distillation(), task_info(input.task).distillations.front().c_str()),
                c.axes.bits().text(),
                c.arm == Arm::dense ? "-" : c.axes.calibration(),
                exact_number(c.axes.sparsity()) + unless_usual(c.axes.pruning(), "global")};
    for (std::size_t axis = count_of<Axis>; axis < input.axes.size(); ++axis) {
        const bool has_part = !std::holds_alternative<std::monostate>(c.axes[axis]);
        cells.push_back(has_part ? text_of(c.axes[axis]) : "-");
    }
    cells.push_back(std::to_string(item.seeds.size()));
    for (const GroupSummary& group : item.summary.groups)
        cells.push_back(fmt::format("{:.2f}{}", group.accuracy.value, group.floor ? "*" : ""));
    cells.push_back(fmt::format("{:.2f}", item.summary.average.value));
    cells.push_back(with_interval(item.summary.deviation, 2));
    cells.push_back(with_interval(item.summary.error_ratio, 2));
    cells.push_back(input.groups[item.summary.worst_group]);
    return cells;
}

/// "trained on faces", "2 seeds": what every row has, in words.
std::string constant_text(const std::string& column, const std::string& value) {
    if (column == "training") return "trained on " + value;
    if (column == "bits") return value + " bits";
    if (column == "calibration") return value == "-" ? "no calibration" : value + " calibration";
    if (column == "seeds") return value + (value == "1" ? " seed" : " seeds");
    return column + " " + value;
}

/// A column whose every cell is the same says nothing in a table: it is named above instead.
std::string drop_constant_columns(std::vector<Cells>& table, std::size_t axes) {
    std::string constants;
    for (std::size_t c = axes; c-- > 0;) {
        const bool constant =
            std::all_of(table.begin() + 1, table.end(), [&](const Cells& cells) { return cells[c] == table[1][c]; });
        if (!constant) continue;
        constants = constant_text(table[0][c], table[1][c]) + (constants.empty() ? "" : ", " + constants);
        for (Cells& cells : table) cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(c));
    }
    return constants;
}

std::string aligned(const std::vector<Cells>& table, std::size_t text_columns) {
    std::vector<std::size_t> widths(table[0].size(), 0);
    for (const Cells& cells : table) {
        for (std::size_t c = 0; c < cells.size(); ++c) widths[c] = std::max(widths[c], cells[c].size());
    }
    std::string text;
    for (const Cells& cells : table) {
        std::string line;
        for (std::size_t c = 0; c < cells.size(); ++c) {
            const bool left = c < text_columns;
            line += (c == 0 ? "" : "  ") +
                    (left ? fmt::format("{:<{}}", cells[c], widths[c]) : fmt::format("{:>{}}", cells[c], widths[c]));
        }
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

}  // namespace

std::string terminal_text(const AnalysisInput& input, const Analysis& analysis) {
    std::vector<Cells> table{header(input)};
    for (const AnalysedConfiguration& configuration : analysis.configurations) table.push_back(row(input, configuration));
    std::size_t axes = 7 + recipe_axes(input);
    const std::string constants = drop_constant_columns(table, axes);
    axes -= header(input).size() - table[0].size();
    std::string text = fmt::format(
        "{}: {} of {} points; accuracy in percent per group{}, means over seeds{}\n\n", input.sweep_name, analysis.points.size(),
        input.points.size(), input.classes.empty() ? " (ten-fold)" : "", constants.empty() ? "" : "; all rows: " + constants);
    for (const std::string& line : analysis.banner) text += line + "\n";
    if (!analysis.banner.empty()) text += "\n";
    text += aligned(table, axes);
    const bool floor = std::any_of(analysis.configurations.begin(), analysis.configurations.end(),
                                   [](const AnalysedConfiguration& c) { return c.summary.has_floor(); });
    if (floor) text += fmt::format("\n* below {:.3g} %: close to guessing\n", analysis.floor_percent);
    text += "\nFindings\n";
    for (const std::string& finding : analysis.findings) text += "  - " + finding + "\n";
    return text;
}

}  // namespace fairsweep
