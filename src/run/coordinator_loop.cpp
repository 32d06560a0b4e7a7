#include "run/coordinator_loop.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "run/before_run.hpp"
#include "run/clocks.hpp"
#include "fairsweep/attempt_history.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/failure_class.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/process.hpp"
#include "fairsweep/text.hpp"
#include "plan/describe_stage.hpp"
#include "plan/stage_kinds.hpp"
#include "plan/stage_order.hpp"

namespace fairsweep {
namespace {

/// Messages taken in per round, so that commits and ticks keep their turn however many arrive.
constexpr int kMessagesPerRound = 512;
constexpr double kTick_s = 0.1;

SharedBytes shared(const Message& message) { return std::make_shared<const Bytes>(encode(message)); }

/// What the done stages of earlier runs left, [stages].
std::vector<Digest> artefacts_in(const Plan& plan, const Store& store) {
    std::map<Digest, Digest> left;
    for (const Row& row : store.rows())
        if (row.outcome.state == StageState::done) left[row.stage_id] = row.outcome.artefact;
    std::vector<Digest> artefacts;
    for (const Stage& stage : plan.stages) {
        const auto found = left.find(stage.id);
        artefacts.push_back(found == left.end() ? Digest{} : found->second);
    }
    return artefacts;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

CoordinatorLoop::CoordinatorLoop(Link& link, Store& store, const Plan& plan, CoordinatorSettings settings)
    : link_(link),
      store_(store),
      plan_(plan),
      settings_(std::move(settings)),
      welcome_(shared(WelcomeMessage{store.artefact_folder().string(), uses_gpu(plan)})),
      brain_(plan, open_stages(plan, stages_before(plan, store), settings_.opening), settings_.policy),
      artefacts_(artefacts_in(plan, store)),
      host_(host_name()),
      started_unix_s_(unix_now_s()) {}

bool CoordinatorLoop::step(double now_s) {
    if (over_) return false;
    if (!started_) {
        started_ = true;
        started_s_ = last_alive_s_ = now_s;
        carry_out(brain_.on_started(now_s), nullptr);
    }
    int received = 0;
    for (auto incoming = link_.poll(); incoming && received < kMessagesPerRound; incoming = link_.poll()) {
        receive(*incoming, now_s);
        ++received;
    }
    // After what has arrived: a worker whose message was waiting here is not silent.
    if (now_s - last_tick_s_ >= kTick_s) {
        last_tick_s_ = now_s;
        carry_out(brain_.on_tick(now_s), nullptr);
    }
    commit_and_send();
    if (now_s - last_alive_s_ >= settings_.alive_s) {
        last_alive_s_ = now_s;
        const SharedBytes alive = shared(AliveMessage{});
        for (const auto& [worker, note] : notes_) link_.send(number(worker), alive);
    }
    if (now_s - last_live_s_ >= settings_.live_s) publish(now_s);
    end_when_nobody_is_left(now_s);
    return received > 0;
}

void CoordinatorLoop::request_stop(double now_s) {
    if (brain_.is_stopping()) return;
    log_info("stopping: running stages end at their next step");
    carry_out(brain_.on_stop_requested(now_s), nullptr);
    commit_and_send();
}

void CoordinatorLoop::end_when_nobody_is_left(double now_s) {
    if (!brain_.is_stopping()) stopping_since_s_ = now_s;
    if (brain_.is_finished()) {
        const bool all_joined = static_cast<int>(notes_.size()) == link_.size() - 1;
        over_ = all_joined || now_s - started_s_ > settings_.late_join_s;
        return;
    }
    if (now_s - stopping_since_s_ > settings_.drain_s) {
        log_warning(fmt::format("stages did not end within {} of the stop; they run again at the next start",
                                human_duration(settings_.drain_s)));
        over_ = true;
        return;
    }
    if (brain_.workers_in_service() != 0) return;
    const bool all_have_left =
        !notes_.empty() && std::all_of(brain_.workers().begin(), brain_.workers().end(),
                                       [](const auto& entry) { return entry.second.state == WorkerState::dismissed; });
    if (all_have_left) {
        log_warning("all workers have left" + what_took_the_workers());
        over_ = true;
    } else if (!notes_.empty()) {
        log_error("all workers are lost" + what_took_the_workers());
        over_ = true;
    } else if (now_s - started_s_ > settings_.join_s) {
        log_error(fmt::format("no worker has joined within {}", human_duration(settings_.join_s)));
        over_ = true;
    }
}

/// " while running ...": every stage that workers had when they went, with what it has cost so far. Empty when they had none.
std::string CoordinatorLoop::what_took_the_workers() const {
    std::set<StageIndex> stages;
    for (const auto& [id, view] : brain_.workers()) {
        if (view.attempt != Attempt{} && !view.leaving) stages.insert(view.stage);
    }
    std::string text;
    for (const StageIndex stage : stages) {
        text += (text.empty() ? ", while running " : "; and ") + stage_text(stage);
        const std::uint32_t taken = brain_.failures(stage, FailureClass::lost);
        const std::uint32_t most = settings_.policy.retries[FailureClass::lost] + 1;
        if (taken > 0)
            text += fmt::format(", which has taken {} worker{} so far (after {} it is lost)", taken, taken == 1 ? "" : "s", most);
    }
    return text;
}

bool CoordinatorLoop::everybody_well() const {
    return static_cast<int>(notes_.size()) == link_.size() - 1 &&
           std::all_of(brain_.workers().begin(), brain_.workers().end(), [](const auto& entry) {
               return entry.second.state == WorkerState::dismissed && !entry.second.leaving && entry.second.attempt == Attempt{};
           });
}

void CoordinatorLoop::dismiss_all() {
    const SharedBytes dismiss = shared(DismissMessage{});
    for (const auto& [worker, note] : notes_) link_.send(number(worker), dismiss);
    static_cast<void>(link_.poll());
}

// --- what arrives ---------------------------------------------------------------------------------------------------

void CoordinatorLoop::receive(const Incoming& incoming, double now_s) {
    const WorkerId from{incoming.from};
    Message message = decode(incoming.bytes);
    if (const auto* join = std::get_if<JoinMessage>(&message)) {
        on_join(from, *join, now_s);
    } else if (const auto* beat = std::get_if<BeatMessage>(&message)) {
        on_beat(from, *beat, now_s);
    } else if (auto* finished = std::get_if<FinishedMessage>(&message)) {
        on_finished(from, std::move(*finished), now_s);
    } else if (std::holds_alternative<LeavingMessage>(message)) {
        log_warning(fmt::format("worker {} leaves: it was told to by a signal, or has said why not", incoming.from));
        carry_out(brain_.on_worker_leaving(from, now_s), nullptr);
    }
}

void CoordinatorLoop::on_join(WorkerId from, const JoinMessage& join, double now_s) {
    log_debug(fmt::format("worker {} joined: process {} on {}", number(from), join.pid, join.host));
    notes_[from] = {join.host, join.pid, Attempt{}, 0};
    outgoing_.push_back({from, welcome_});
    carry_out(brain_.on_worker_joined(from, join.host, now_s), nullptr);
}

void CoordinatorLoop::on_beat(WorkerId from, const BeatMessage& beat, double now_s) {
    const auto note = notes_.find(from);
    if (note == notes_.end()) return;
    const bool moved =
        beat.busy && (beat.attempt != note->second.attempt || beat.progress != note->second.progress) && beat.progress != 0;
    note->second.attempt = beat.attempt;
    note->second.progress = beat.progress;
    carry_out(
        moved ? brain_.on_progress(from, beat.stage, beat.attempt, beat.fraction, now_s) : brain_.on_worker_alive(from, now_s),
        nullptr);
}

void CoordinatorLoop::on_finished(WorkerId from, FinishedMessage finished, double now_s) {
    const Verdict verdict{finished.outcome.state, finished.outcome.failure, finished.leads, finished.outcome.lost_team,
                          finished.begun};
    carry_out(brain_.on_stage_finished(from, finished.stage, finished.attempt, verdict, now_s), &finished);
}

// --- what the brain decides -----------------------------------------------------------------------------------------

void CoordinatorLoop::carry_out(const Commands& commands, const FinishedMessage* finished) {
    for (const Command& command : commands) {
        std::visit(
            [this, finished](const auto& item) {
                using C = std::decay_t<decltype(item)>;
                if constexpr (std::is_same_v<C, AcceptResult>)
                    apply(item, *finished);
                else if constexpr (std::is_same_v<C, DropResult>)
                    apply(item, finished);
                else
                    apply(item);
            },
            command);
    }
}

void CoordinatorLoop::apply(const GrantLease& grant) {
    // The number is used up from now on, even if everything is killed the next moment: until there is a result the row says
    // that an attempt was begun and did not end.
    append_unended(grant.team.front(), grant.stage, grant.attempt, FailureClass::preempted, kBegunMessage);
    LeaseMessage lease{grant.stage, grant.attempt, order_of(plan_, grant.stage, artefacts_), grant.lease, {}};
    for (const WorkerId member : grant.team) lease.ranks.push_back(static_cast<std::uint32_t>(number(member)));
    for (const WorkerId member : grant.team) queue(member, lease);
    log_debug(fmt::format("worker{} {} {} {}, attempt {}", grant.team.size() == 1 ? "" : "s", fmt::join(lease.ranks, ", "),
                          grant.team.size() == 1 ? "gets" : "get", stage_text(grant.stage), number(grant.attempt)));
}

void CoordinatorLoop::apply(const RevokeLease& revoke) {
    log_debug(fmt::format("worker {} is asked to {} {}, attempt {}", number(revoke.worker),
                          revoke.at_step ? "end at its next step" : "give up", stage_text(revoke.stage), number(revoke.attempt)));
    queue(revoke.worker, RevokeMessage{revoke.stage, revoke.attempt, revoke.at_step});
}

void CoordinatorLoop::apply(const AcceptResult& accept, const FinishedMessage& finished) {
    Row row = new_row(accept.stage, accept.attempt);
    row.worker = number(accept.worker);
    row.host = notes_[accept.worker].host;
    row.finished_unix_s = finished.finished_unix_s;
    row.outcome = finished.outcome;
    row.outcome.state = accept.state;
    row.outcome.scores.clear();
    const bool keep_scores = accept.state == StageState::done;
    store_.append(row, keep_scores ? std::span<const float>(finished.outcome.scores) : std::span<const float>());
    if (accept.state == StageState::done) artefacts_[accept.stage] = finished.outcome.artefact;
    queue(accept.worker, AcknowledgeMessage{accept.stage, accept.attempt});
    const Stage& stage = plan_.stages[accept.stage];
    if (accept.state == StageState::done) eta_.on_finished(stage.kind, stage.cost_s, finished.outcome.wall_s * accept.ranks);
    if (accept.state == StageState::failed)
        log_error(fmt::format("{} failed ({}): {}", stage_text(accept.stage), words_of(finished.outcome.failure),
                              finished.outcome.message));
    else
        log_debug(fmt::format("{}: {} after {:.2f} s", stage_text(accept.stage), name_of(accept.state), finished.outcome.wall_s));
}

void CoordinatorLoop::apply(const DropResult& drop, const FinishedMessage* finished) {
    const bool failed = finished != nullptr && finished->outcome.state == StageState::failed;
    if (failed)
        log_warning(fmt::format("{} on worker {}: {} ({})", stage_text(drop.stage), number(drop.worker), drop.reason,
                                first_line(finished->outcome.message)));
    else
        log_debug(fmt::format("result of stage {} from worker {} is not kept: {}", drop.stage, number(drop.worker), drop.reason));
    if (notes_.count(drop.worker) != 0) queue(drop.worker, AcknowledgeMessage{drop.stage, drop.attempt});
}

void CoordinatorLoop::apply(const CloseStage& closed) {
    Row row = new_row(closed.stage, closed.attempt);
    row.outcome.state = closed.state;
    row.outcome.failure = closed.failure;
    row.outcome.message = closed.message;
    store_.append(row, {});
    const std::string text = fmt::format("{} is {}: {}", stage_text(closed.stage), name_of(closed.state), closed.message);
    if (closed.state == StageState::skipped || closed.state == StageState::diverged)
        log_debug(text);
    else
        log_error(text);
}

void CoordinatorLoop::apply(const RecordLoss& loss) {
    append_unended(loss.worker, loss.stage, loss.attempt, loss.failure, loss.message);
    log_warning(fmt::format("{} on worker {}: {}", stage_text(loss.stage), number(loss.worker), loss.message));
}

void CoordinatorLoop::apply(const DrainWorker& drain) {
    // Whatever kills the ranks from now on, a person or a time limit, is not this stage's fault.
    append_unended(drain.worker, drain.stage, drain.attempt, FailureClass::preempted, "asked to stop");
    queue(drain.worker, DrainMessage{});
}

void CoordinatorLoop::apply(const DismissWorker& dismiss) {
    if (!finish_mpi_) finish_mpi_ = brain_.is_finished() && everybody_well();
    queue(dismiss.worker, DismissMessage{*finish_mpi_});
}

void CoordinatorLoop::commit_and_send() {
    if (store_.rows_pending() != 0) store_.sync();
    for (Outgoing& message : outgoing_) link_.send(number(message.to), std::move(message.bytes));
    outgoing_.clear();
}

void CoordinatorLoop::queue(WorkerId to, const Message& message) { outgoing_.push_back({to, shared(message)}); }

void CoordinatorLoop::append_unended(WorkerId worker, StageIndex stage, Attempt attempt, FailureClass failure,
                                     const std::string& message) {
    Row row = new_row(stage, attempt);
    row.worker = number(worker);
    row.host = notes_[worker].host;
    row.outcome.state = StageState::preempted;
    row.outcome.failure = failure;
    row.outcome.message = message;
    store_.append(row, {});
}

Row CoordinatorLoop::new_row(StageIndex stage, Attempt attempt) const {
    Row row;
    row.stage_id = plan_.stages[stage].id;
    row.kind = plan_.stages[stage].kind;
    row.attempt = number(attempt);
    row.finished_unix_s = unix_now_s();
    row.host = host_;
    return row;
}

std::string CoordinatorLoop::stage_text(StageIndex stage) const { return describe_stage(plan_, stage); }

// --- what people see ------------------------------------------------------------------------------------------------

LiveStatus CoordinatorLoop::status(double now_s, const char* state) const {
    LiveStatus live;
    live.sweep = plan_.sweep_name;
    live.state = state;
    live.pid = process_id();
    live.host = host_;
    live.silence_s = settings_.silence_s;
    live.started_unix_s = started_unix_s_;
    live.updated_unix_s = unix_now_s();
    live.attempts = brain_.attempts_granted();
    live.eta_s = eta_.estimate(plan_, brain_);
    live.points = brain_.point_counts();
    live.stages = brain_.stage_counts();
    for (const auto& [id, view] : brain_.workers()) {
        LiveWorker worker;
        worker.worker = number(id);
        const auto note = notes_.find(id);
        if (note != notes_.end()) {
            worker.host = note->second.host;
            worker.pid = note->second.pid;
        }
        worker.state = view.state;
        worker.heard_s_ago = std::max(0.0, now_s - view.last_heard_s);
        if (view.state == WorkerState::running || view.state == WorkerState::revoked) {
            worker.stage = plan_.stages[view.stage].id;
            worker.kind = plan_.stages[view.stage].kind;
            worker.attempt = number(view.attempt);
            worker.fraction = view.fraction;
            worker.running_s = now_s - view.started_s;
        }
        live.workers.push_back(std::move(worker));
    }
    return live;
}

/// A live status that cannot be written is logged once, then ignored: it is a hint, the sweep goes on. Its time still says that
/// we live: whoever looks must not take a full disk for a coordinator that is stuck.
void CoordinatorLoop::publish(double now_s) {
    last_live_s_ = now_s;
    const LiveStatus live = status(now_s, over_ ? "ended" : brain_.is_stopping() ? "stopping" : "running");
    settings_.on_status(live);
    try {
        write_live(live_path(store_.path()), live);
    } catch (const Error& error) {
        if (!live_warned_) log_warning(error.what());
        live_warned_ = true;
        std::error_code ignored;
        std::filesystem::last_write_time(live_path(store_.path()), std::filesystem::file_time_type::clock::now(), ignored);
    }
}

void CoordinatorLoop::write_last_status(double now_s) {
    over_ = true;
    publish(now_s);
}

}  // namespace fairsweep
