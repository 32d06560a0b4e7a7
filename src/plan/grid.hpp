#pragma once
/// The cells of a sweep: its points without their seeds.
#include <cstdint>
#include <functional>

#include "fairsweep/sweep.hpp"

namespace fairsweep {

struct Cell {
    Arm arm{};
    AxisValues axes;
    Recipe recipe;           ///< the sweep's, with the recipe keys among the axes and the way of pruning set
    const AxisBlock* block;  ///< where it stands
};

/// Visits the cells in the order of points. Every block is walked in the order architecture, training set, recipe keys,
/// calibration, distillation, sparsity, pruning, bits (the last moves fastest), zipped axes together. Before the first cell of a
/// network comes its dense cell; before the first of a calibration and distillation its sham cell, where the block has none and
/// the arms have sham. An axis that nothing in a cell depends on has no value there, and no two cells are equal.
/// Throws a usage error for a way of pruning that cannot be.
void visit_cells(const Sweep& sweep, const std::function<void(const Cell&)>& visit);

/// The program that makes the networks of that arm under the recipe; nullptr: fairsweep does.
[[nodiscard]] const Program* program_of(const Sweep& sweep, Arm arm, const Recipe& recipe);

/// Products of the axes' values, seeds included; in double, as it may pass 2^64.
[[nodiscard]] double grid_size(const Sweep& sweep);

/// How many different values each axis of the sweep has, over its blocks.
[[nodiscard]] std::vector<AxisInfo> counted_axes(const Sweep& sweep);

}  // namespace fairsweep
