#include "run/worker_loop.hpp"

#include <chrono>

#include "run/clocks.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/process.hpp"

namespace fairsweep {
namespace {

constexpr int kCoordinator = 0;
/// Longer pauses of this process (a suspended laptop, SIGSTOP) do not count as silence of the coordinator.
constexpr double kOwnSleep_s = 5.0;

}  // namespace

WorkerLoop::WorkerLoop(Link& link, RunnerFactory make_runner, WorkerSettings settings, TeamFactory make_team)
    : link_(link),
      make_runner_(std::move(make_runner)),
      settings_(std::move(settings)),
      make_team_(std::move(make_team)) {}

bool WorkerLoop::step(double now_s) {
    if (!joined_) {
        joined_ = true;
        last_heard_s_ = now_s;
        last_beat_s_ = now_s;
        send(JoinMessage{process_id(), host_name()});
    } else if (now_s - last_step_s_ > kOwnSleep_s) {
        last_heard_s_ += now_s - last_step_s_;
    }
    last_step_s_ = now_s;
    bool busy = false;
    while (auto incoming = link_.poll()) {
        receive(*incoming, now_s);
        busy = true;
        if (end_ != End::none) return true;
    }
    if (settings_.stop_signalled()) leave();
    look_at_gpu();
    collect_outcome(now_s);
    if (unacknowledged_ && now_s - last_sent_s_ > settings_.resend_s) send_finished(now_s);
    if (now_s - last_beat_s_ >= settings_.beat_s) beat(now_s);
    if (now_s - last_heard_s_ > settings_.coordinator_silence_s) end_ = End::coordinator_silent;
    return busy;
}

void WorkerLoop::receive(const Incoming& incoming, double now_s) {
    last_heard_s_ = now_s;
    const Message message = decode(incoming.bytes);
    std::visit([this](const auto& item) { on_message(item); }, message);
}

void WorkerLoop::on_message(const WelcomeMessage& welcome) {
    if (thread_ != nullptr) return;
    runner_ = make_runner_(welcome.artefact_folder);
    if (welcome.needs_gpu) gpu_ = std::async(std::launch::async, [this] { runner_->use_gpu(); });
    thread_ = std::make_unique<StageThread>(*runner_);
}

void WorkerLoop::on_message(const LeaseMessage& lease) {
    if (thread_ == nullptr) {
        throw_infrastructure({.attempted = "cannot take a lease",
                              .where = "stage " + lease.order.id.short_hex(),
                              .found = "no welcome before it",
                              .expected = "a welcome first",
                              .hint = "all ranks must run the same build of fairsweep"});
    }
    if (thread_->is_busy() || unacknowledged_ || gpu_.valid()) {
        next_lease_ = lease;
        return;
    }
    start(lease);
}

void WorkerLoop::start(const LeaseMessage& lease) {
    std::unique_ptr<Collective> team;
    const std::vector<int> ranks(lease.ranks.begin(), lease.ranks.end());
    if (lease.ranks.size() > 1) {
        if (!make_team_)
            throw_infrastructure({.attempted = "cannot take a lease",
                                  .where = "stage " + lease.order.id.short_hex(),
                                  .found = std::to_string(lease.ranks.size()) + " ranks",
                                  .expected = "one: this worker has no way to others"});
        team = make_team_(lease.lease, ranks);
    }
    lease_ = lease;
    thread_->start(lease.order, std::move(team), ranks);
    if (draining_) thread_->request_stop();
}

bool WorkerLoop::leads(const LeaseMessage& lease) const {
    return lease.ranks.size() <= 1 || static_cast<int>(lease.ranks.front()) == link_.rank();
}

void WorkerLoop::take_next_lease() {
    if (!next_lease_) return;
    const LeaseMessage next = *next_lease_;
    next_lease_.reset();
    on_message(next);
}

void WorkerLoop::refuse_next_lease() {
    FinishedMessage never_begun{next_lease_->stage, next_lease_->attempt, unix_now_s(), {}, leads(*next_lease_)};
    never_begun.outcome.state = StageState::preempted;
    never_begun.outcome.failure = FailureClass::preempted;
    never_begun.begun = false;
    next_lease_.reset();
    send(never_begun);
}

void WorkerLoop::leave() {
    if (told_leaving_) return;
    told_leaving_ = true;
    send(LeavingMessage{});
    drain();
}

void WorkerLoop::look_at_gpu() {
    if (!gpu_.valid() || gpu_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    try {
        gpu_.get();
    } catch (const std::exception& error) {
        log_error(error.what());
        leave();  // first: nothing is granted to it any more
        if (next_lease_) refuse_next_lease();
        return;
    }
    take_next_lease();
}

void WorkerLoop::on_message(const RevokeMessage& revoke) {
    if (next_lease_ && next_lease_->stage == revoke.stage && next_lease_->attempt == revoke.attempt) {
        refuse_next_lease();
    }
    if (!is_busy() || lease_.stage != revoke.stage || lease_.attempt != revoke.attempt) return;
    if (revoke.at_step)
        thread_->request_stop();
    else
        thread_->give_up("the coordinator has taken the stage back");
}

void WorkerLoop::on_message(const AcknowledgeMessage& acknowledge) {
    if (!unacknowledged_ || unacknowledged_->stage != acknowledge.stage || unacknowledged_->attempt != acknowledge.attempt)
        return;
    unacknowledged_.reset();
    take_next_lease();
}

void WorkerLoop::drain() {
    draining_ = true;
    if (is_busy()) thread_->request_stop();
}

void WorkerLoop::collect_outcome(double now_s) {
    if (!is_busy() || unacknowledged_) return;
    std::optional<StageOutcome> outcome = thread_->take_outcome();
    if (!outcome) return;
    unacknowledged_ = FinishedMessage{lease_.stage, lease_.attempt, unix_now_s(), std::move(*outcome), leads(lease_)};
    if (!runner_->is_fit()) leave();
    send_finished(now_s);
}

void WorkerLoop::send_finished(double now_s) {
    last_sent_s_ = now_s;
    send(*unacknowledged_);
}

void WorkerLoop::beat(double now_s) {
    last_beat_s_ = now_s;
    BeatMessage beat;
    if (is_busy()) beat = {true, lease_.stage, lease_.attempt, thread_->fraction(), thread_->progress()};
    send(beat);
}

void WorkerLoop::send(const Message& message) { link_.send(kCoordinator, std::make_shared<const Bytes>(encode(message))); }

}  // namespace fairsweep
