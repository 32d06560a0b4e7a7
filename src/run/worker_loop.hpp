#pragma once
/// A worker: joins, runs the stages it is leased, and keeps each result until it is acknowledged. It knows no plan: a lease
/// carries all that its stage needs. The main thread calls step() for ever with short sleeps; nothing here blocks. When the
/// coordinator has been silent for too long the worker is over: it has nobody to work for.
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/messages.hpp"
#include "mpi/link.hpp"
#include "run/stage_thread.hpp"

namespace fairsweep {

struct WorkerSettings {
    double beat_s = 1.0;                                          ///< between beats
    double coordinator_silence_s = 60.0;                          ///< silence after which the worker exits
    double resend_s = 20.0;                                       ///< an unacknowledged result is sent again
    std::function<bool()> stop_signalled = [] { return false; };  ///< a signal told this rank to go
};

/// This rank's side of a team: its number, and its ranks in the order of the members.
using TeamFactory = std::function<std::unique_ptr<Collective>(std::uint64_t team, const std::vector<int>& ranks)>;

class WorkerLoop {
public:
    enum class End { none, dismissed, coordinator_silent };

    /// `make_team` is asked for the collective of every lease that has several ranks.
    WorkerLoop(Link& link, RunnerFactory make_runner, WorkerSettings settings, TeamFactory make_team = {});

    /// One round at time `now_s` of a steady clock. True when something happened: no need to sleep.
    bool step(double now_s);
    [[nodiscard]] End end() const { return end_; }
    [[nodiscard]] bool may_finish_mpi() const { return finish_mpi_; }  ///< once dismissed: all ranks are well
    [[nodiscard]] bool is_busy() const { return thread_ != nullptr && thread_->is_busy(); }
    /// Its threads may not end soon: a process that does not want to wait must _exit.
    [[nodiscard]] bool has_work_under_way() const { return is_busy() || gpu_.valid(); }

private:
    void receive(const Incoming& incoming, double now_s);
    void on_message(const WelcomeMessage& welcome);
    void on_message(const LeaseMessage& lease);
    void on_message(const RevokeMessage& revoke);
    void on_message(const AcknowledgeMessage& acknowledge);
    void on_message(const DrainMessage&) { drain(); }
    void on_message(const DismissMessage& dismiss) {
        end_ = End::dismissed;
        finish_mpi_ = dismiss.finish_mpi;
    }
    void on_message(const AliveMessage&) {}  // that it came is all it says
    template <class M>
    requires(std::is_same_v<M, JoinMessage> || std::is_same_v<M, BeatMessage> || std::is_same_v<M, FinishedMessage> ||
             std::is_same_v<M, LeavingMessage>) void on_message(const M&) {
    }  // of other workers to the coordinator: never sent here
    void start(const LeaseMessage& lease);
    [[nodiscard]] bool leads(const LeaseMessage& lease) const;
    void drain();
    /// This rank is no use to the sweep any more, and the others go on.
    void leave();
    void take_next_lease();
    void refuse_next_lease();
    void look_at_gpu();
    void collect_outcome(double now_s);
    void send_finished(double now_s);
    void beat(double now_s);
    void send(const Message& message);

    Link& link_;
    RunnerFactory make_runner_;
    WorkerSettings settings_;
    TeamFactory make_team_;
    std::unique_ptr<StageRunner> runner_;
    std::unique_ptr<StageThread> thread_;
    std::future<void> gpu_;  ///< taking one, which may take long: valid until that is over
    LeaseMessage lease_;                      ///< what the thread is busy with
    std::optional<LeaseMessage> next_lease_;  ///< came while a result was still unacknowledged
    std::optional<FinishedMessage> unacknowledged_;
    bool joined_ = false;
    bool draining_ = false;
    bool told_leaving_ = false;
    double last_step_s_ = 0.0;
    double last_beat_s_ = 0.0;
    double last_heard_s_ = 0.0;
    double last_sent_s_ = 0.0;
    End end_ = End::none;
    bool finish_mpi_ = false;
};

}  // namespace fairsweep
