#pragma once
/// What an evaluation is of, and what it leaves, by task: one row each. Job file, planner, rows, messages, shards, merge,
/// analysis file and tables loop over it; how the figures are computed: metrics/task_figures.hpp; how networks are trained:
/// study/task_training.hpp.
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fairsweep/check.hpp"

namespace fairsweep {

struct FigureColumn {
    std::string name;  ///< persistent: of rows and of /figures
    std::string unit;
    bool is_count = false;  ///< a whole number below 2^32; stored as such in rows
    bool operator==(const FigureColumn&) const = default;
};

struct TaskInfo {
    const char* name = "";
    const char* items = "";  ///< persistent: the HDF5 group of the item table
    const char* label = "";  ///< persistent: its column of labels
    /// Items have named classes: a response is one number per class, and figures may be per class.
    bool has_classes = false;
    std::vector<std::string> distillations;  ///< losses of the axis, the usual one first
    /// Of each group, in order.
    std::vector<FigureColumn> (*figures)(std::span<const std::string> classes) = nullptr;
    const char* accuracy = "";  ///< the figure by which results of two stores are compared, in percent
};

[[nodiscard]] std::span<const TaskInfo> tasks();
/// Null for a task that this version does not have.
[[nodiscard]] const TaskInfo* find_task(std::string_view name);
/// Throws a store error for it.
[[nodiscard]] const TaskInfo& task_info(std::string_view name);

/// The row of a task in a table of another room: rows have a `name`, one for every task here. Throws as task_info().
template <class Row, std::size_t Rows>
[[nodiscard]] const Row& row_of(const Row (&rows)[Rows], std::string_view task) {
    const TaskInfo& info = task_info(task);
    const Row* const found = std::find_if(std::begin(rows), std::end(rows),
                                          [&info](const Row& row) { return std::string_view(row.name) == info.name; });
    FAIRSWEEP_CHECK(found != std::end(rows), "every table of tasks has a row for each");
    return *found;
}

/// Numbers that a network leaves for each item.
[[nodiscard]] std::size_t values_per_item(const TaskInfo& task, std::span<const std::string> classes);
[[nodiscard]] std::size_t accuracy_column(const TaskInfo& task);

}  // namespace fairsweep
