#include "study/task_training.hpp"

#include "plan/tasks.hpp"

namespace fairsweep {

const TaskTraining& training_of(std::string_view task) {
    /// One row per task of plan/tasks.cpp.
    struct TaskRow {
        const char* name;
        const TaskTraining& (*training)();
    };
    static constexpr TaskRow kRows[] = {{"verification", verification_training}, {"classification", classification_training}};
    return row_of(kRows, task).training();
}

}  // namespace fairsweep
