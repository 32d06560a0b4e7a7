#include "run/stage_thread.hpp"

#include <chrono>
#include <csignal>
#include <exception>
#include <new>
#include <utility>

#include "fairsweep/check.hpp"
#include "fairsweep/collective.hpp"
#include "fairsweep/failure_class.hpp"

namespace fairsweep {

StageOutcome outcome_of_current_exception() {
    StageOutcome outcome;
    try {
        throw;
    } catch (const Error& error) {
        outcome.failure = failure_class_of(error);
        outcome.message = error.what();
        outcome.lost_team = dynamic_cast<const TeamError*>(&error) != nullptr;
    } catch (const std::bad_alloc&) {
        outcome.failure = FailureClass::out_of_memory;
        outcome.message = "out of memory";
    } catch (const std::exception& error) {
        outcome.failure = FailureClass::internal;
        outcome.message = error.what();
    } catch (...) {
        outcome.failure = FailureClass::internal;
        outcome.message = "something that is no std::exception was thrown";
    }
    return outcome;
}

StageThread::StageThread(StageRunner& runner) : runner_(runner), thread_([this] { work(); }) {}

StageThread::~StageThread() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        if (team_) team_->abort("this worker ends");
    }
    stop_ = true;
    changed_.notify_one();
    thread_.join();
}

void StageThread::start(StageOrder order, std::unique_ptr<Collective> team, std::vector<int> team_ranks) {
    FAIRSWEEP_CHECK(!busy_, "one stage at a time");
    busy_ = true;
    stop_ = false;
    fraction_ = 0.0;
    progress_ = 0;
    {
        const std::lock_guard lock(mutex_);
        next_ = std::move(order);
        team_ = std::move(team);
        team_ranks_ = std::move(team_ranks);
    }
    changed_.notify_one();
}

void StageThread::request_stop() { stop_ = true; }

void StageThread::give_up(const std::string& why) {
    stop_ = true;
    const std::lock_guard lock(mutex_);
    if (team_) team_->abort(why);
}

std::optional<StageOutcome> StageThread::take_outcome() {
    const std::lock_guard lock(mutex_);
    if (!outcome_) return std::nullopt;
    std::optional<StageOutcome> outcome = std::move(outcome_);
    outcome_.reset();
    busy_ = false;
    return outcome;
}

void StageThread::work() {
    // Signals belong to the main thread, which polls.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return ending_ || next_.has_value(); });
        if (ending_) return;
        const StageOrder next = std::move(*next_);
        next_.reset();
        lock.unlock();
        StageOutcome outcome = run_guarded(next);
        lock.lock();
        team_.reset();
        outcome_ = std::move(outcome);
    }
}

StageOutcome StageThread::run_guarded(const StageOrder& order) {
    const StageMonitor monitor{[this](double fraction_done) {
                                   fraction_ = fraction_done;
                                   ++progress_;
                               },
                               [this] { return stop_.load(); }, team_.get(), team_ranks_};
    const auto begun = std::chrono::steady_clock::now();
    try {
        return runner_.run(order, monitor);
    } catch (...) {
        StageOutcome outcome = outcome_of_current_exception();
        outcome.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
        return outcome;
    }
}

}  // namespace fairsweep
