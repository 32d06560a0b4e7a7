#include "run_sweep.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <limits>
#include <map>
#include <optional>

#include "clocks.hpp"
#include "coordinator_loop.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "launcher.hpp"
#include "mpi/local_link.hpp"
#include "mpi/session.hpp"
#include "progress.hpp"
#include "run_ranks.hpp"
#include "run_result.hpp"
#include "stop_signal.hpp"
#include "worker_loop.hpp"

namespace fairsweep {
namespace {

/// Nothing that is selected waits: no ranks need to be started.
bool is_nothing_to_do(const Plan& plan, const Store& store, const OpeningRequest& request) {
    const Opening opening = open_stages(plan, stages_before(plan, store), request);
    for (std::size_t i = 0; i < opening.stages.size(); ++i) {
        if (opening.selected[i] && !is_final(opening.stages[i].state)) return false;
    }
    return true;
}

int result_of(const Plan& plan, const std::vector<StageBefore>& stages, const RunOptions& options) {
    const StateCounts points = points_of(plan, stages);
    const bool stopped = stop_signals_seen() != 0;
    const int code = exit_code_of(points, stopped || !options.only.empty(), options.max_failures != 0 && !stopped);
    tell_result(points, code, options);
    return code;
}

std::vector<StageBefore> read_stages(const Plan& plan, const std::filesystem::path& path) {
    const StoreReader reader(path);
    std::vector<StageBefore> stages;
    for (const Stage& stage : plan.stages) {
        const Row* row = reader.row(stage.id);
        stages.push_back(row == nullptr ? StageBefore{} : StageBefore{row->outcome.state, row->attempt});
    }
    return stages;
}

std::string own_program() {
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error)
        throw_infrastructure({.attempted = "cannot find this program's own file",
                              .where = "/proc/self/exe",
                              .found = error.message(),
                              .expected = {},
                              .hint = {}});
    return path.string();
}

void launch(const RunOptions& options, int workers, int threads_per_stage) {
    LaunchRequest request;
    request.command = {own_program(), "run"};
    request.command.insert(request.command.end(), options.words.begin(), options.words.end());
    request.ranks = workers + 1;
    request.threads_per_rank = threads_per_stage;
    const double begun_unix_s = unix_now_s();
    Progress progress(progress_style(options.quiet));
    double next_look_s = 0;
    run_under_mpirun(request, [&] {
        const double now_s = steady_now_s();
        if (now_s < next_look_s) return;
        next_look_s = now_s + 1.0;
        const auto live = read_live(live_path(options.store));
        if (live && live->updated_unix_s >= begun_unix_s) progress.show(*live, now_s);
    });
}

}  // namespace

int run_sweep(const RunOptions& options, const SweepParts& parts) {
    if (is_under_launcher()) {
        catch_stop_signals();
        return run_as_rank(options, parts);
    }
    const int cores = core_count();
    static_cast<void>(worker_count(options, 1, cores));  // refused before anything is read
    const PreparedSweep sweep = parts.prepare(options);
    parts.check_data(sweep.plan);
    const int workers = worker_count(options, sweep.threads_per_stage, cores);
    catch_stop_signals();  // not before: while data sets are read for their identity a signal simply ends this process
    {
        Store store = Store::open_for_update(options.store, sweep.plan, parts.pairs(sweep.plan));
        for (const std::string& warning : store.warnings()) log_warning(warning);
        const auto runner = parts.make_runner(store.artefact_folder());
        const OpeningRequest request = opening_request(options, sweep.plan, store, *runner);
        const bool nothing_to_do = is_nothing_to_do(sweep.plan, store, request);
        if (nothing_to_do) log_info("nothing to do: every stage has its row");
        if (workers == 0 && !nothing_to_do) run_alone(options, parts, sweep.plan, store);
        const std::vector<StageBefore> stages = stages_before(sweep.plan, store);
        store.close();
        if (workers == 0 || nothing_to_do) return result_of(sweep.plan, stages, options);
    }
    launch(options, workers, sweep.threads_per_stage);
    return result_of(sweep.plan, read_stages(sweep.plan, options.store), options);
}

}  // namespace fairsweep
