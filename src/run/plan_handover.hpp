#pragma once
/// The plan of a run on its way from the parent to rank 0: a file in the artefact folder, named by its SHA-256 in the
/// environment of the ranks. Job file and data sets are read once, by the parent, and rank 0 runs what the parent has checked
/// whatever becomes of the job file meanwhile.
#include <filesystem>

#include "fairsweep/plan.hpp"

namespace fairsweep {

[[nodiscard]] std::filesystem::path run_plan_path(const std::filesystem::path& store);  ///< "<store>.files/run.plan.json"

/// Returns the SHA-256 of the file. Throws an infrastructure error when it cannot be written.
[[nodiscard]] Digest hand_over_plan(const std::filesystem::path& store, const Plan& plan);
/// Throws a store error when the file is not the one that was handed over.
[[nodiscard]] Plan take_over_plan(const std::filesystem::path& store, const Digest& sha256);

}  // namespace fairsweep
