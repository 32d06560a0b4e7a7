#pragma once
/// What an evaluation leaves for each group, by task: the columns that rows, messages, merge and the analysis file loop over.
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace fairsweep {

struct FigureColumn {
    const char* name = "";  ///< persistent: of rows and of /figures
    const char* unit = "";
    bool is_count = false;  ///< a whole number below 2^32; stored as such in rows
};

struct TaskInfo {
    const char* name = "";
    std::vector<FigureColumn> figures;  ///< of each group
    std::size_t accuracy = 0;           ///< the column by which results of two stores are compared, in percent
};

[[nodiscard]] std::span<const TaskInfo> tasks();
/// Throws a store error for a task that this version does not have.
[[nodiscard]] const TaskInfo& task_info(std::string_view name);

}  // namespace fairsweep
