#include "run_ranks.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <limits>
#include <map>

#include "before_run.hpp"
#include "clocks.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "launcher.hpp"
#include "mpi/local_link.hpp"
#include "mpi/session.hpp"
#include "progress.hpp"
#include "run_result.hpp"
#include "stop_signal.hpp"
#include "worker_loop.hpp"

namespace fairsweep {
namespace {

constexpr double kForever_s = std::numeric_limits<double>::infinity();
/// Last messages get so long to leave; a dead rank never takes its own.
constexpr double kFlush_s = 2.0;
/// MPI_Finalize waits for all ranks: one that dies on the way out must not keep the others.
constexpr unsigned kFinish_s = 15;

bool has_parent() { return std::getenv(kLaunchedVariable) != nullptr; }

CoordinatorSettings coordinator_settings(const RunOptions& options, const OpeningRequest& request, Progress& progress) {
    CoordinatorSettings settings;
    settings.policy.worker_silence_s = options.worker_silence_s;
    settings.policy.max_failures = options.max_failures;
    settings.opening = request;
    settings.silence_s = options.coordinator_silence_s;
    settings.drain_s = options.drain_s;
    settings.join_s = options.coordinator_silence_s;
    settings.on_status = [&progress](const LiveStatus& status) { progress.show(status, steady_now_s()); };
    return settings;
}

void flush(Link& link) {
    const double until_s = steady_now_s() + kFlush_s;
    while (link.sends_pending() != 0 && steady_now_s() < until_s) {
        static_cast<void>(link.poll());
        sleep_s(1e-3);
    }
}

[[noreturn]] void end_process(int code) {
    std::fflush(nullptr);
    ::_exit(code);
}

extern "C" void give_up_finishing(int) { ::_exit(0); }

void finish_mpi(MpiSession& session) {
    std::signal(SIGALRM, give_up_finishing);
    ::alarm(kFinish_s);
    session.finish();
    ::alarm(0);
}

extern "C" void give_up_starting(int) {
    static constexpr char kText[] =
        "error MPI did not start in time: a rank died on the way, or the ranks cannot reach each other\n";
    if (::write(STDERR_FILENO, kText, sizeof kText - 1) < 0) ::_exit(4);
    ::_exit(4);
}

/// MPI_Init waits for all ranks, for ever when one has died (measured on Open MPI 4.1.4 with --enable-recovery).
class StartLimit {
public:
    explicit StartLimit(double limit_s) {
        std::signal(SIGALRM, give_up_starting);
        ::alarm(static_cast<unsigned>(std::ceil(limit_s)));
    }
    ~StartLimit() { ::alarm(0); }
    StartLimit(const StartLimit&) = delete;
    StartLimit& operator=(const StartLimit&) = delete;
};

std::unique_ptr<MpiSession> start_mpi(double limit_s) {
    const StartLimit limit(limit_s);
    return std::make_unique<MpiSession>();
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

/// Data sets are read whole when their identity is not known yet, which may take minutes; the workers hear meanwhile that
/// somebody is there.
PreparedSweep prepare_audibly(Link& link, const RunOptions& options, const SweepParts& parts) {
    const std::chrono::duration<double> pause(std::min(20.0, options.coordinator_silence_s / 3));
    auto prepared = std::async(std::launch::async, [&] { return parts.prepare(options); });
    const auto alive = std::make_shared<const Bytes>(encode(AliveMessage{}));
    while (prepared.wait_for(pause) != std::future_status::ready)
        for (int worker = 1; worker < link.size(); ++worker) link.send(worker, alive);
    return prepared.get();
}

RankResult coordinate(Link& link, const RunOptions& options, const SweepParts& parts) {
    const LauncherWatch launcher;
    const PreparedSweep sweep = prepare_audibly(link, options, parts);
    if (!has_parent()) parts.check_data(sweep.plan);
    Store store = Store::open_for_update(options.store, sweep.plan, parts.pairs(sweep.plan));
    record_interrupted_attempts(store);
    const auto runner = parts.make_runner(store.artefact_folder());
    Progress progress(has_parent() ? Progress::Style::none : progress_style(options.quiet));
    CoordinatorLoop loop(link, store, sweep.plan,
                         coordinator_settings(options, opening_request(options, sweep.plan, store, *runner), progress));
    IdleWait wait;
    while (!loop.is_over() && !launcher.is_gone()) {
        if (stop_signals_seen() != 0) loop.request_stop(steady_now_s());
        wait.after(loop.step(steady_now_s()));
    }
    flush(link);
    loop.write_last_status(steady_now_s());
    progress.finish();
    const std::vector<StageBefore> stages = stages_before(sweep.plan, store);
    const StateCounts points = points_of(sweep.plan, stages);
    store.close();
    if (has_parent()) return {0, loop.may_finish_mpi()};
    const int code = exit_code_of(points, stop_signals_seen() != 0 || !options.only.empty(), options.max_failures != 0);
    tell_result(sweep.plan, stages, code, options);
    return {code, loop.may_finish_mpi()};
}

RankResult work(Link& link, const RunOptions& options, const SweepParts& parts) {
    const LauncherWatch launcher;
    WorkerSettings settings;
    settings.beat_s = options.beat_s;
    settings.coordinator_silence_s = options.coordinator_silence_s;
    settings.stop_signalled = [] { return stop_signals_seen() != 0; };
    WorkerLoop loop(
        link, [&] { return parts.make_runner(artefact_folder_of(options.store)); }, settings);
    IdleWait wait;
    while (loop.end() == WorkerLoop::End::none && !launcher.is_gone()) wait.after(loop.step(steady_now_s()));
    if (loop.end() == WorkerLoop::End::coordinator_silent) {
        log_error(fmt::format("the coordinator (rank 0) has been silent for {:.0f} s; this worker ends",
                              options.coordinator_silence_s));
        end_process(4);
    }
    if (loop.is_busy() || loop.end() == WorkerLoop::End::none) end_process(0);  // a stage is running that nobody wants any more
    return {0, loop.may_finish_mpi()};
}

int code_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::usage:
        case ErrorKind::data:
            return 2;
        case ErrorKind::store:
            return 3;
        case ErrorKind::infrastructure:
            return 4;
        case ErrorKind::internal:
            return 70;
    }
    return 70;
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
    const PreparedSweep sweep = parts.prepare(options);
    parts.check_data(sweep.plan);
    Store store = Store::open_for_update(options.store, sweep.plan, parts.pairs(sweep.plan));
    run_alone(options, parts, sweep.plan, store);
    const std::vector<StageBefore> stages = stages_before(sweep.plan, store);
    const StateCounts points = points_of(sweep.plan, stages);
    store.close();
    const int code = exit_code_of(points, stop_signals_seen() != 0 || !options.only.empty(), options.max_failures != 0);
    tell_result(sweep.plan, stages, code, options);
    return code;
}

}  // namespace

OpeningRequest opening_request(const RunOptions& options, const Plan& plan, const Store& store, const StageRunner& runner) {
    std::map<Digest, StageOutcome> outcomes;
    for (Row& row : store.rows()) {
        if (row.outcome.state == StageState::done) outcomes[row.stage_id] = std::move(row.outcome);
    }
    OpeningRequest request;
    request.only = options.only;
    request.artefact_present = [&plan, &runner, outcomes = std::move(outcomes)](StageIndex stage) {
        const auto found = outcomes.find(plan.stages[stage].id);
        if (found != outcomes.end() && runner.artefact_present(plan.stages[stage], found->second)) return true;
        log_warning(fmt::format("the artefact of {} {} is gone; the stage runs again", name_of(plan.stages[stage].kind),
                                plan.stages[stage].id.short_hex()));
        return false;
    };
    return request;
}

void run_alone(const RunOptions& options, const SweepParts& parts, const Plan& plan, Store& store) {
    record_interrupted_attempts(store);
    LocalPost post(2);
    const auto coordinator_link = post.link(0);
    const auto worker_link = post.link(1);
    const auto runner = parts.make_runner(store.artefact_folder());
    Progress progress(progress_style(options.quiet));
    CoordinatorSettings settings = coordinator_settings(options, opening_request(options, plan, store, *runner), progress);
    settings.policy.worker_silence_s = kForever_s;  // both sides live and die together
    WorkerSettings worker_settings;
    worker_settings.beat_s = options.beat_s;
    worker_settings.coordinator_silence_s = kForever_s;
    auto worker = std::make_unique<WorkerLoop>(
        *worker_link, [&] { return parts.make_runner(store.artefact_folder()); }, worker_settings);
    CoordinatorLoop coordinator(*coordinator_link, store, plan, std::move(settings));
    IdleWait wait;
    while (!coordinator.is_over()) {
        if (stop_signals_seen() != 0) coordinator.request_stop(steady_now_s());
        if (stop_signals_seen() > 1) die_of_signal();
        const bool worked = worker->step(steady_now_s());
        wait.after(coordinator.step(steady_now_s()) || worked);
    }
    coordinator.write_last_status(steady_now_s());
    progress.finish();
    if (!worker->is_busy()) return;
    // A stage that does not end cannot be waited for: everything that counts is in the store.
    store.close();
    log_warning("a stage did not stop; this process ends without it");
    end_process(75);
}

int run_as_rank(const RunOptions& options, const SweepParts& parts) {
    const auto started = start_mpi(options.start_s);
    MpiSession& session = *started;
    set_log_prefix("rank " + std::to_string(session.rank()));
    if (options.workers && !has_parent() && session.rank() == 0) warn_of_workers(*options.workers, session.size());
    const auto link = session.make_link(kMaxMessageBytes);
    RankResult result;
    try {
        if (session.size() == 1)
            result = {run_the_only_rank(options, parts), true};
        else
            result = session.rank() == 0 ? coordinate(*link, options, parts) : work(*link, options, parts);
    } catch (const Error& error) {
        end_after_error(*link, error.what(), code_of(error.kind()));
    } catch (const std::exception& error) {
        end_after_error(*link, std::string("unexpected: ") + error.what(), 70);
    }
    if (!result.may_finish_mpi) end_process(result.code);
    finish_mpi(session);
    return result.code;
}

}  // namespace fairsweep
