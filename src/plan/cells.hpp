#pragma once
/// The compressed part of a sweep's grid for one network, calibration set and distillation.
#include <string>
#include <vector>

#include "fairsweep/sweep.hpp"

namespace fairsweep {

struct Cell {
    Bits bits;
    double sparsity = 0.0;
    std::string pruning = "none";
    [[nodiscard]] Arm arm() const { return bits.is_float() && sparsity == 0.0 ? Arm::sham : Arm::compressed; }
};

/// The cells bits x sparsity (x pruning where there is any) that the arms leave; a sham cell that the axes lack comes first.
[[nodiscard]] std::vector<Cell> cells_of(const Sweep& sweep);

[[nodiscard]] bool has_arm(const Sweep& sweep, Arm arm);

}  // namespace fairsweep
