#pragma once
/// A sweep that this process works on, from its plan to the settings of the loop that runs it.
#include <limits>

#include "fairsweep/plan.hpp"
#include "run/coordinator_loop.hpp"
#include "run/progress.hpp"
#include "run/run_sweep.hpp"
#include "store/store.hpp"

namespace fairsweep {

inline constexpr double kForever_s = std::numeric_limits<double>::infinity();

struct OpenedSweep {
    Plan plan;
    int threads_per_stage = 1;
    Store store;
};

/// Checks the data and lays the store out, or opens it; what it found and mended is logged. Throws Error.
[[nodiscard]] OpenedSweep open_sweep(const RunOptions& options, const SweepParts& parts, PlannedSweep planned);

/// What this run has to do, by options and by what the store and the artefact folder hold. `runner` and `store` must outlive it.
[[nodiscard]] OpeningRequest opening_request(const RunOptions& options, const Plan& plan, const Store& store,
                                             const StageRunner& runner);

/// `progress` must outlive the loop.
[[nodiscard]] CoordinatorSettings coordinator_settings(const RunOptions& options, const Plan& plan, const OpeningRequest& request,
                                                       Progress& progress);

}  // namespace fairsweep
