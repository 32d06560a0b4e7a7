#pragma once
/// Runs stages on a thread of its own, so that the rank's main thread keeps talking to the coordinator: beats and
/// revocations flow while a stage computes. One thread for the life of the worker, since OpenMP and torch keep a pool per
/// calling thread.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "fairsweep/collective.hpp"
#include "fairsweep/stage_runner.hpp"

namespace fairsweep {

class StageThread {
public:
    /// `runner` must outlive the thread.
    explicit StageThread(StageRunner& runner);
    /// Asks a running stage to stop and waits for it. A process that cannot wait must _exit.
    ~StageThread();
    StageThread(const StageThread&) = delete;
    StageThread& operator=(const StageThread&) = delete;

    /// Only when not busy. `team`: whose ranks run the stage together; null: this rank alone.
    void start(StageOrder order, std::unique_ptr<Collective> team = nullptr, std::vector<int> team_ranks = {});
    void request_stop();                   ///< the running stage ends at its next step
    void give_up(const std::string& why);  ///< the same, and its team ends here: it waits for no other rank
    [[nodiscard]] bool is_busy() const { return busy_; }
    [[nodiscard]] double fraction() const { return fraction_; }
    [[nodiscard]] std::uint64_t progress() const { return progress_; }  ///< steps of the running stage, counted up
    /// The outcome of the stage that was started, once; after that the thread is free again.
    [[nodiscard]] std::optional<StageOutcome> take_outcome();

private:
    void work();
    [[nodiscard]] StageOutcome run_guarded(const StageOrder& order);

    StageRunner& runner_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<StageOrder> next_;
    std::vector<int> team_ranks_;
    std::unique_ptr<Collective> team_;  ///< of the running stage; under mutex_, but the stage's thread uses what it points to
    std::optional<StageOutcome> outcome_;
    bool ending_ = false;
    bool busy_ = false;  ///< of the main thread's view: from start() to take_outcome()
    std::atomic<bool> stop_{false};
    std::atomic<double> fraction_{0.0};
    std::atomic<std::uint64_t> progress_{0};
    std::thread thread_;  ///< last: starts when all else is there
};

/// What an exception that a runner let out says about the stage.
[[nodiscard]] StageOutcome outcome_of_current_exception();

}  // namespace fairsweep
