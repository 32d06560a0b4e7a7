#include "run/run_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "run/before_run.hpp"
#include "run/clocks.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/log.hpp"
#include "run/launcher.hpp"
#include "mpi/session.hpp"
#include "plan/stage_kinds.hpp"
#include "run/progress.hpp"
#include "run/alone.hpp"
#include "run/opened_sweep.hpp"
#include "run/plan_handover.hpp"
#include "run/rank_main.hpp"
#include "run/run_result.hpp"
#include "run/run_watch.hpp"
#include "run/starting_notice.hpp"
#include "run/stop_signal.hpp"

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

bool measures_time(const Plan& plan) {
    return std::any_of(plan.stages.begin(), plan.stages.end(), [](const Stage& stage) {
        const auto& metrics = info_of(stage.kind).metrics;
        return std::find(metrics.begin(), metrics.end(), Metric::image_time_s) != metrics.end();
    });
}

std::vector<StageBefore> read_stages(const Plan& plan, const std::filesystem::path& path) {
    const StoreReader reader(path);
    std::vector<StageBefore> stages;
    for (const Stage& stage : plan.stages) {
        const Row* row = reader.row(stage.id);
        stages.push_back(row == nullptr ? StageBefore{} : StageBefore{row->outcome.state, Attempt{row->attempt}});
    }
    return stages;
}

std::string own_program() {
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error)
        throw_infrastructure(
            {.attempted = "cannot find this program's own file", .where = "/proc/self/exe", .found = error.message()});
    return path.string();
}

/// Looks at the live status once a second: shows it, and says when the ranks must be ended by force.
class RankKeeper {
public:
    explicit RankKeeper(const RunOptions& options)
        : live_path_(live_path(options.store)),
          progress_(progress_style(options.quiet)),
          watch_(
              {options.start_s + options.coordinator_silence_s, options.coordinator_silence_s + kSilenceMargin_s, options.end_s},
              steady_now_s()) {}

    [[nodiscard]] bool look() {
        const double now_s = steady_now_s();
        if (must_end_ || now_s < next_look_s_) return must_end_;
        next_look_s_ = now_s + 1.0;
        auto live = read_live(live_path_);
        if (live && !is_of_our_ranks(*live)) live.reset();
        if (live) progress_.show(*live, now_s);
        if (const auto reason = watch_.look(live, written_unix_s(live_path_), now_s)) {
            progress_.finish();
            log_warning(*reason + "; all ranks are ended by force, the store says how far the sweep is");
            must_end_ = true;
        }
        return must_end_;
    }

private:
    /// Workers end themselves after the coordinator's silence; they come first, with a better word on it.
    static constexpr double kSilenceMargin_s = 5.0;

    /// Not what stood there before they were started. No clock is asked: that of another machine may be wrong.
    [[nodiscard]] bool is_of_our_ranks(const LiveStatus& live) const {
        const bool is_old =
            before_ && live.pid == before_->pid && live.host == before_->host && live.started_unix_s == before_->started_unix_s;
        return live.state != "starting" && !is_old;
    }

    std::filesystem::path live_path_;
    std::optional<LiveStatus> before_ = read_live(live_path_);
    Progress progress_;
    RunWatch watch_;
    double next_look_s_ = 0;
    bool must_end_ = false;
};

void launch(const RunOptions& options, int workers, int threads_per_stage, const Digest& plan) {
    LaunchRequest request;
    request.command = {own_program(), "run"};
    request.command.insert(request.command.end(), options.words.begin(), options.words.end());
    request.ranks = workers + 1;
    request.threads_per_rank = threads_per_stage;
    request.mark = plan.hex();
    RankKeeper keeper(options);
    run_under_mpirun(request, [&keeper] { return keeper.look(); });
}

}  // namespace

int run_sweep(const RunOptions& options, const SweepParts& parts) {
    if (is_under_launcher()) {
        catch_stop_signals();
        return run_as_rank(options, parts);
    }
    const int cores = core_count();
    check_worker_count(options, cores);
    StartingNotice starting(options);
    starting.tell();
    OpenedSweep sweep = open_sweep(options, parts, parts.make_plan(options));
    catch_stop_signals();  // not before: while data sets are read for their identity a signal simply ends this process
    const auto runner = parts.make_runner(sweep.store.artefact_folder());
    const bool nothing_to_do =
        is_nothing_to_do(sweep.plan, sweep.store, opening_request(options, sweep.plan, sweep.store, *runner));
    if (nothing_to_do) log_info("nothing to do: every stage has its row");
    const bool needs_gpu = !nothing_to_do && uses_gpu(sweep.plan) && parts.count_gpu_ranks;
    const int workers = worker_count(options, sweep.threads_per_stage, cores, needs_gpu ? std::optional(parts.count_gpu_ranks()) : std::nullopt);
    if (workers == 0 && !nothing_to_do) run_alone(options, parts, sweep.plan, sweep.store);
    if (workers == 0 || nothing_to_do) {
        const std::vector<StageBefore> stages = stages_before(sweep.plan, sweep.store);
        sweep.store.close();
        return result_of(sweep.plan, stages, options);
    }
    if (workers > 1 && measures_time(sweep.plan))
        log_warning(
            fmt::format("image_time_s is measured while {} workers run: times of a loaded machine; measure on a quiet one "
                        "with --workers 1",
                        workers));
    const Digest plan = hand_over_plan(options.store, sweep.plan);
    starting.tell();  // before the lock goes: rank 0 takes it again
    sweep.store.close();
    launch(options, workers, sweep.threads_per_stage, plan);
    return result_of(sweep.plan, read_stages(sweep.plan, options.store), options);
}

}  // namespace fairsweep
