#pragma once
/// From a checked sweep to its plan: points of the grid, minus what constraints remove, and the stages that serve them.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fairsweep/plan.hpp"
#include "fairsweep/sweep.hpp"

namespace fairsweep {

/// What the plan asks about data sets; each function is called at most once per data set that a remaining point needs,
/// and all but `present` only when the data are there.
struct DataProbe {
    std::function<bool(const DataSource&)> present;
    std::function<Digest(const DataSource&)> digest;
    std::function<std::vector<std::string>(const DataSource&)> groups;                ///< of the evaluation set
    std::function<std::uint64_t(const DataSource&, bool is_evaluation)> images = {};  ///< for estimates; may be empty
    std::function<std::string(const DataSource&)> planted = {};                       ///< PlannedData::planted; may be empty
    std::function<std::vector<std::string>(const DataSource&)> classes = {};          ///< of tasks that have some; may be empty
    std::function<std::optional<Digest>(const std::filesystem::path&)> file = {};     ///< of a program's; nothing: no such file
};

/// Points per grid that are planned at most; more is a usage error.
inline constexpr std::uint64_t kMaxGridCells = 5'000'000;

/// Points: the dense arm has one per (architecture, training set, seed), with bits 32, sparsity 0 and calibration and
/// distillation "none". Each cell bits x sparsity x pruning (sparse cells only) of each (calibration, distillation) is
/// compressed, or the sham point where bits are 32 and sparsity is 0; a sham cell that the axes lack is added when the arms have
/// sham; the sham of a chain has the chain's loss as its distillation, so that both have one. Arms that the sweep does not name
/// are left out. A point that several rules exclude counts for the first of them. Two points that would run the very same stages
/// (a calibration set that is the training set, say) are one: the later is counted as removed.
///
/// Data that are missing make the plan provisional: their ids come from their names.
[[nodiscard]] Plan make_plan(const Sweep& sweep, const DataProbe& probe, const std::string& code_version);

}  // namespace fairsweep
