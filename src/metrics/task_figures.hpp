#pragma once
/// From what a network says of the items of an evaluation set to the figures of its task (plan/tasks.hpp): what an evaluation
/// stage puts into its row, and what an analysis compares with the stored ones.
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "fairsweep/items.hpp"

namespace fairsweep {

struct TaskFigures {
    std::optional<double> pooled_threshold;   ///< of tasks that have one
    std::vector<std::vector<double>> groups;  ///< [groups][figures of the task]; undefined ones are NaN
};

/// `responses` [items, values per item]; `classes` of the task, 0 where it has none. Throws a data error when a response is not
/// finite, when their number is not that of the items, or when there are none; a store error for an unknown task.
[[nodiscard]] TaskFigures task_figures(std::string_view task, const ItemTable& items, std::span<const float> responses,
                                       std::size_t classes);

/// [items] place of the largest response, the first of equal ones. `responses` [items, classes].
[[nodiscard]] std::vector<std::uint8_t> predicted_classes(std::span<const float> responses, std::size_t classes);

}  // namespace fairsweep
