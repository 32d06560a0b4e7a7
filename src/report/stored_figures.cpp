#include "report/stored_figures.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fairsweep/error.hpp"
#include "metrics/task_figures.hpp"
#include "plan/tasks.hpp"

namespace fairsweep {
namespace {

/// Percentage points. Both numbers come from the same whole counts; only the order of a few additions may differ.
constexpr double kTolerance = 1e-9;

/// Whole counts and shares of them; the others (EER, AUC) are sums in floating point.
bool follows_exactly(const FigureColumn& column) { return column.is_count || column.unit == "percent"; }

[[noreturn]] void contradiction(const AnalysisInput& input, std::size_t point, std::size_t group, const char* figure,
                                double stored, double recomputed) {
    throw_store(
        {.attempted = "the stored figures of a point are not those of its scores",
         .where = fmt::format("point {}, group {}, {}", input.points[point].point.id.short_hex(), input.groups[group], figure),
         .found = fmt::format("{} stored, {} from the scores", stored, recomputed),
         .expected = "the same number",
         .hint = "the file or its store was changed, or another version of fairsweep evaluated it: merge again from the "
                 "store; if that does not help, evaluate again in a new store"});
}

}  // namespace

void check_stored_figures(const AnalysisInput& input, std::size_t point, std::span<const float> scores) {
    const std::vector<FigureColumn> columns = task_info(input.task).figures(input.classes);
    const TaskFigures figures = task_figures(input.task, input.items, scores, input.classes.size());
    for (std::size_t group = 0; group < figures.groups.size(); ++group) {
        for (std::size_t column = 0; column < columns.size(); ++column) {
            const double stored = input.points[point].figures[group][column];
            const double recomputed = figures.groups[group][column];
            if (!follows_exactly(columns[column]) || std::isnan(recomputed) || std::abs(stored - recomputed) <= kTolerance)
                continue;
            contradiction(input, point, group, columns[column].name.c_str(), stored, recomputed);
        }
    }
}

}  // namespace fairsweep
