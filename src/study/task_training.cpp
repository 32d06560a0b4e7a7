#include "study/task_training.hpp"

#include "plan/tasks.hpp"

namespace fairsweep {

NamedTensors BaselineLoss::state() const {
    NamedTensors state;
    for (const torch::Tensor& tensor : parameters()) state.emplace_back(std::to_string(state.size()), tensor);
    return state;
}

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
