#include "run/rank_main.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <future>
#include <optional>

#include "fairsweep/error.hpp"
#include "fairsweep/failure_class.hpp"
#include "fairsweep/log.hpp"
#include "mpi/mpi_teams.hpp"
#include "run/alone.hpp"
#include "run/before_run.hpp"
#include "run/clocks.hpp"
#include "run/launcher.hpp"
#include "run/mpi_limits.hpp"
#include "run/opened_sweep.hpp"
#include "run/plan_handover.hpp"
#include "run/run_result.hpp"
#include "run/stop_signal.hpp"
#include "run/worker_loop.hpp"

namespace fairsweep {
namespace {

bool has_parent() { return std::getenv(kLaunchedVariable) != nullptr; }

/// Of the plan that the parent has written; nothing without a parent.
std::optional<Digest> handed_over_plan() {
    const char* hex = std::getenv(kLaunchedVariable);
    return hex == nullptr ? std::nullopt : std::optional(Digest::from_hex(hex));
}

/// mpirun, or whatever started this rank, is gone: nobody is left to work for.
class LauncherWatch {
public:
    [[nodiscard]] bool is_gone() const { return ::getppid() != parent_; }

private:
    pid_t parent_ = ::getppid();
};

struct RankResult {
    int code = 0;
    bool may_finish_mpi = false;
};

/// What the parent has handed over, or the job itself. Data sets are read whole when their identity is not known yet, which may
/// take minutes; the workers hear meanwhile that somebody is there.
OpenedSweep open_audibly(Link& link, const RunOptions& options, const SweepParts& parts) {
    if (const auto handed = handed_over_plan()) {
        Plan plan = take_over_plan(options.store, *handed);
        Store store = Store::open_existing(options.store, plan);
        return {std::move(plan), 1, std::move(store)};
    }
    const std::chrono::duration<double> pause(std::min(20.0, options.coordinator_silence_s / 3));
    auto planned = std::async(std::launch::async, [&] { return parts.make_plan(options); });
    const auto alive = std::make_shared<const Bytes>(encode(AliveMessage{}));
    while (planned.wait_for(pause) != std::future_status::ready)
        for (int worker = 1; worker < link.size(); ++worker) link.send(worker, alive);
    return open_sweep(options, parts, planned.get());
}

RankResult coordinate(Link& link, const RunOptions& options, const SweepParts& parts) {
    const LauncherWatch launcher;
    OpenedSweep sweep = open_audibly(link, options, parts);
    record_interrupted_attempts(sweep.store);
    const auto runner = parts.make_runner(sweep.store.artefact_folder());
    Progress progress(has_parent() ? Progress::Style::none : progress_style(options.quiet));
    CoordinatorSettings settings =
        coordinator_settings(options, sweep.plan, opening_request(options, sweep.plan, sweep.store, *runner), progress);
    settings.policy.workers = static_cast<std::uint32_t>(link.size() - 1);
    CoordinatorLoop loop(link, sweep.store, sweep.plan, std::move(settings));
    IdleWait wait;
    while (!loop.is_over() && !launcher.is_gone()) {
        if (stop_signals_seen() != 0) loop.request_stop(steady_now_s());
        wait.after(loop.step(steady_now_s()));
    }
    flush(link);
    loop.write_last_status(steady_now_s());
    progress.finish();
    const std::vector<StageBefore> stages = stages_before(sweep.plan, sweep.store);
    sweep.store.close();
    return {has_parent() ? 0 : result_of(sweep.plan, stages, options), loop.may_finish_mpi()};
}

RankResult work(Link& link, MpiTeams& teams, const RunOptions& options, const SweepParts& parts) {
    const LauncherWatch launcher;
    WorkerSettings settings;
    settings.beat_s = options.beat_s;
    settings.coordinator_silence_s = options.coordinator_silence_s;
    settings.stop_signalled = [] { return stop_signals_seen() != 0; };
    WorkerLoop loop(link, parts.make_runner, settings, [&teams](std::uint64_t team, const std::vector<int>& ranks) {
        return teams.make(team, ranks);
    });
    IdleWait wait;
    while (loop.end() == WorkerLoop::End::none && !launcher.is_gone()) {
        const bool has_moved = teams.step();
        wait.after(loop.step(steady_now_s()) || has_moved);
    }
    if (loop.end() == WorkerLoop::End::coordinator_silent) {
        log_error(fmt::format("the coordinator (rank 0) has been silent for {:.0f} s; this worker ends",
                              options.coordinator_silence_s));
        end_process(4);
    }
    if (loop.has_work_under_way() || loop.end() == WorkerLoop::End::none) end_process(0);  // a stage is running that nobody wants any more
    return {0, loop.may_finish_mpi()};
}

/// Reports, sends the other ranks home, and leaves the way that works with MPI in any state.
[[noreturn]] void end_after_error(Link& link, const std::string& message, int code) {
    log_error("fairsweep run: " + message);
    try {
        if (link.rank() == 0) {
            const auto dismiss = std::make_shared<const Bytes>(encode(DismissMessage{false}));
            for (int worker = 1; worker < link.size(); ++worker) link.send(worker, dismiss);
        }
        flush(link);
    } catch (const std::exception& error) {
        log_error(error.what());
    }
    end_process(code);
}

/// The launcher decides how many ranks there are.
void warn_of_workers(int asked, int ranks) {
    if (asked == ranks - 1) return;
    const char* variable = std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr ? "OMPI_COMM_WORLD_SIZE" : "PMIX_RANK";
    log_warning(fmt::format("{} under a launcher ({} is set): --workers {} has no effect{}",
                            ranks == 1 ? "one rank" : fmt::format("{} ranks", ranks), variable, asked,
                            ranks == 1 ? fmt::format("; no launcher here? unset {}", variable) : ""));
}

int run_the_only_rank(const RunOptions& options, const SweepParts& parts) {
    OpenedSweep sweep = open_sweep(options, parts, parts.make_plan(options));
    run_alone(options, parts, sweep.plan, sweep.store);
    const std::vector<StageBefore> stages = stages_before(sweep.plan, sweep.store);
    sweep.store.close();
    return result_of(sweep.plan, stages, options);
}

}  // namespace

int run_as_rank(const RunOptions& options, const SweepParts& parts) {
    const auto started = start_mpi(options.start_s);
    MpiSession& session = *started;
    set_log_prefix("rank " + std::to_string(session.rank()));
    if (options.workers && !has_parent() && session.rank() == 0) warn_of_workers(*options.workers, session.size());
    const auto link = session.make_link(kMaxMessageBytes);
    MpiTeams teams(session);
    RankResult result;
    try {
        if (session.size() == 1)
            result = {run_the_only_rank(options, parts), true};
        else
            result = session.rank() == 0 ? coordinate(*link, options, parts) : work(*link, teams, options, parts);
    } catch (const Error& error) {
        end_after_error(*link, error.what(), exit_code_of(error.kind()));
    } catch (const std::exception& error) {
        end_after_error(*link, std::string("unexpected: ") + error.what(), 70);
    }
    if (!result.may_finish_mpi) end_process(result.code);
    finish_mpi(session);
    return result.code;
}

}  // namespace fairsweep
