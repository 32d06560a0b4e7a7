#include "run/alone.hpp"

#include "fairsweep/log.hpp"
#include "mpi/local_link.hpp"
#include "run/before_run.hpp"
#include "run/clocks.hpp"
#include "run/mpi_limits.hpp"
#include "run/opened_sweep.hpp"
#include "run/stop_signal.hpp"
#include "run/worker_loop.hpp"

namespace fairsweep {

void run_alone(const RunOptions& options, const SweepParts& parts, const Plan& plan, Store& store) {
    record_interrupted_attempts(store);
    LocalPost post(2);
    const auto coordinator_link = post.link(0);
    const auto worker_link = post.link(1);
    const auto runner = parts.make_runner(store.artefact_folder());
    Progress progress(progress_style(options.quiet));
    CoordinatorSettings settings = coordinator_settings(options, plan, opening_request(options, plan, store, *runner), progress);
    settings.policy.worker_silence_s = kForever_s;  // both sides live and die together
    WorkerSettings worker_settings;
    worker_settings.beat_s = options.beat_s;
    worker_settings.coordinator_silence_s = kForever_s;
    auto worker = std::make_unique<WorkerLoop>(*worker_link, parts.make_runner, worker_settings);
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
    if (!worker->has_work_under_way()) return;
    // A stage that does not end cannot be waited for: everything that counts is in the store.
    store.close();
    log_warning("a stage did not stop; this process ends without it");
    end_process(75);
}

}  // namespace fairsweep
