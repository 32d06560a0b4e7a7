#include "plan/tasks.hpp"

#include <algorithm>
#include <string>

#include "fairsweep/error.hpp"
#include "fairsweep/verification.hpp"

namespace fairsweep {
namespace {

TaskInfo verification() {
    TaskInfo task{.name = "verification", .figures = {}, .accuracy = 0};
    const GroupFigures example;
    visit_figures(example, [&task](const char* name, const char* unit, const auto& value) {
        if (std::string_view(name) == "accuracy_10fold") task.accuracy = task.figures.size();
        task.figures.push_back({name, unit, std::is_integral_v<std::remove_cvref_t<decltype(value)>>});
    });
    return task;
}

}  // namespace

std::span<const TaskInfo> tasks() {
    static const std::vector<TaskInfo> kTasks{verification()};
    return kTasks;
}

const TaskInfo& task_info(std::string_view name) {
    const auto found = std::find_if(tasks().begin(), tasks().end(), [name](const TaskInfo& task) { return name == task.name; });
    if (found != tasks().end()) return *found;
    throw_store({.attempted = "cannot use results of this task",
                 .where = {},
                 .found = "'" + std::string(name.substr(0, 80)) + "'",
                 .expected = tasks().front().name,
                 .hint = "the file was made by another version of fairsweep"});
}

}  // namespace fairsweep
