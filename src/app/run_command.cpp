/// `fairsweep run` with the real parts: job files, data sets, networks.
#include <algorithm>
#include <cstdlib>

#include "commands.hpp"
#include "data_probe.hpp"
#include "device/gpu.hpp"
#include "export/latency.hpp"
#include "external/external.hpp"
#include "fairsweep/dataset.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "job/job.hpp"
#include "missing_data.hpp"
#include "plan/make_plan.hpp"
#include "run/run_sweep.hpp"
#include "run_arguments.hpp"
#include "study/items.hpp"
#include "study/runner.hpp"
#include "version.hpp"

namespace fairsweep {
namespace {

PlannedSweep plan_job(const RunOptions& options) {
    const Sweep sweep = load_job(options.job, options.overrides);
    return {make_plan(sweep, data_probe(sweep.task), version_line()), sweep.recipe.threads_per_stage};
}

std::unique_ptr<StageRunner> make_runner(const std::filesystem::path& artefact_folder) {
    StageFunctions functions = study_functions();
    functions[StageKind::latency] = run_latency;
    functions[StageKind::external] = run_external;
    return make_stage_runner(artefact_folder, functions);
}

/// The evaluation set is the one that `prepare` stages read.
ItemTable items_of(const Plan& plan) {
    for (const Stage& stage : plan.stages) {
        if (stage.kind == StageKind::prepare && !stage.data_sets.empty()) {
            return open_evaluation_images(plan.task, plan.data.at(stage.data_sets.front()).source).items;
        }
    }
    return {};
}

}  // namespace

int run_command(const Arguments& arguments) {
    // Read when cuBLAS starts; without it torch refuses cuBLAS, since its results would vary. Before there are threads.
    ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
    const auto options = parse_run_options(arguments);
    if (!options) return 0;
    // All missing sets are reported together; damaged ones were reported when the plan counted their images.
    const auto check_data = [&options](const Plan& plan) { refuse_missing_data(plan, options->job, options->overrides); };
    return run_sweep(*options, {plan_job, check_data, items_of, make_runner, gpu_ranks});
}

}  // namespace fairsweep
