#include "plan/tasks.hpp"

#include <algorithm>

#include "fairsweep/error.hpp"
#include "fairsweep/verification.hpp"

namespace fairsweep {
namespace {

std::vector<FigureColumn> verification_figures_of(std::span<const std::string>) {
    std::vector<FigureColumn> figures;
    const GroupFigures example;
    visit_figures(example, [&figures](const char* name, const char* unit, const auto& value) {
        figures.push_back({name, unit, std::is_integral_v<std::remove_cvref_t<decltype(value)>>});
    });
    return figures;
}

std::vector<FigureColumn> classification_figures_of(std::span<const std::string> classes) {
    std::vector<FigureColumn> figures{
        {"images", "", true}, {"correct", "", true}, {"accuracy", "percent"}, {"balanced_accuracy", "percent"}};
    for (const std::string& name : classes) figures.push_back({"images." + name, "", true});
    for (const std::string& name : classes) figures.push_back({"recall." + name, "percent"});
    return figures;
}

}  // namespace

std::span<const TaskInfo> tasks() {
    static const std::vector<TaskInfo> kTasks{{.name = "verification",
                                               .items = "pairs",
                                               .label = "genuine",
                                               .distillations = {"embedding", "cosine", "relational"},
                                               .figures = verification_figures_of,
                                               .accuracy = "accuracy_10fold"},
                                              {.name = "classification",
                                               .items = "images",
                                               .label = "class",
                                               .has_classes = true,
                                               .distillations = {"logits"},
                                               .figures = classification_figures_of,
                                               .accuracy = "accuracy"}};
    return kTasks;
}

const TaskInfo* find_task(std::string_view name) {
    const auto found = std::find_if(tasks().begin(), tasks().end(), [name](const TaskInfo& task) { return name == task.name; });
    return found == tasks().end() ? nullptr : &*found;
}

const TaskInfo& task_info(std::string_view name) {
    if (const TaskInfo* const task = find_task(name)) return *task;
    std::string known;
    for (const TaskInfo& task : tasks()) known += (known.empty() ? "" : ", ") + std::string(task.name);
    throw_store({.attempted = "cannot use results of this task",
                 .found = "'" + std::string(name.substr(0, 80)) + "'",
                 .expected = known,
                 .hint = "the file was made by another version of fairsweep"});
}

std::size_t values_per_item(const TaskInfo& task, std::span<const std::string> classes) {
    return task.has_classes ? classes.size() : 1;
}

std::size_t accuracy_column(const TaskInfo& task) {
    const std::vector<FigureColumn> figures = task.figures({});
    const auto found =
        std::find_if(figures.begin(), figures.end(), [&](const FigureColumn& f) { return f.name == task.accuracy; });
    return static_cast<std::size_t>(found - figures.begin());
}

}  // namespace fairsweep
