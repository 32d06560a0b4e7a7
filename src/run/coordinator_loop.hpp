#pragma once
/// The adapter between the coordinator's brain and the world: receive, decode, call on_..., append to the store, sync once a
/// round, then send. A result is acknowledged, and work that builds on it granted, only when its row is durable; an attempt
/// number is on disk before the lease that carries it leaves.
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/coordinator.hpp"
#include "coordinator/eta.hpp"
#include "run/live.hpp"
#include "coordinator/messages.hpp"
#include "mpi/link.hpp"
#include "store/store.hpp"

namespace fairsweep {

struct CoordinatorSettings {
    CoordinatorPolicy policy;
    OpeningRequest opening;
    double join_s = 60.0;      ///< how long to wait for the first worker
    double late_join_s = 5.0;  ///< when there is nothing to do: how long to wait for all to appear and be sent home
    double alive_s = 2.0;      ///< between signs of life to the workers
    double live_s = 1.0;       ///< between live status files
    double silence_s = 60.0;   ///< goes into the live status: age at which the run counts as stuck
    double drain_s = 60.0;     ///< limit for running stages to end after a stop
    std::function<void(const LiveStatus&)> on_status = [](const LiveStatus&) {};  ///< with every live status: progress for people
};

class CoordinatorLoop {
public:
    /// `plan` and `store` must outlive the loop; the store must hold the plan's stages.
    CoordinatorLoop(Link& link, Store& store, const Plan& plan, CoordinatorSettings settings);

    /// One round at time `now_s` of a steady clock. True when something happened: no need to sleep. Throws Error when the
    /// store cannot be written: what was acknowledged is safe.
    bool step(double now_s);
    void request_stop(double now_s);  ///< running stages end as preempted at their next step
    /// All is done, or stopped, or there is nobody left to work.
    [[nodiscard]] bool is_over() const { return over_; }
    /// Every rank is well and was told that all of them finish MPI.
    [[nodiscard]] bool may_finish_mpi() const { return finish_mpi_.value_or(false); }
    /// Tells all workers to leave, whatever they do; for the way out of an error.
    void dismiss_all();
    /// The last live status: "ended".
    void write_last_status(double now_s);

private:
    struct WorkerNote {
        std::string host;
        std::uint32_t pid = 0;
        Attempt attempt{};
        std::uint64_t progress = 0;
    };
    struct Outgoing {
        WorkerId to;
        SharedBytes bytes;
    };

    void receive(const Incoming& incoming, double now_s);
    void on_join(WorkerId from, const JoinMessage& join, double now_s);
    void on_beat(WorkerId from, const BeatMessage& beat, double now_s);
    void on_finished(WorkerId from, FinishedMessage finished, double now_s);
    void carry_out(const Commands& commands, const FinishedMessage* finished);
    void apply(const GrantLease& grant);
    void apply(const RevokeLease& revoke);
    void apply(const AcceptResult& accept, const FinishedMessage& finished);
    void apply(const DropResult& drop, const FinishedMessage* finished);
    void apply(const CloseStage& closed);
    void apply(const RecordLoss& loss);
    void apply(const DrainWorker& drain);
    void apply(const DismissWorker& dismiss);
    void commit_and_send();
    void end_when_nobody_is_left(double now_s);
    void queue(WorkerId to, const Message& message);
    [[nodiscard]] bool everybody_well() const;
    /// The row of an attempt that has come to no end.
    void append_unended(WorkerId worker, StageIndex stage, Attempt attempt, FailureClass failure, const std::string& message);
    [[nodiscard]] Row new_row(StageIndex stage, Attempt attempt) const;
    [[nodiscard]] std::string stage_text(StageIndex stage) const;
    [[nodiscard]] std::string what_took_the_workers() const;
    [[nodiscard]] LiveStatus status(double now_s, const char* state) const;
    void publish(double now_s);

    Link& link_;
    Store& store_;
    const Plan& plan_;
    CoordinatorSettings settings_;
    SharedBytes welcome_;
    Coordinator brain_;
    EtaModel eta_;
    std::vector<Digest> artefacts_;  ///< [stages] of the file that a done stage left; zero: none
    std::map<WorkerId, WorkerNote> notes_;
    std::vector<Outgoing> outgoing_;
    std::string host_;
    double started_unix_s_ = 0.0;
    double started_s_ = 0.0;
    double stopping_since_s_ = 0.0;
    double last_alive_s_ = 0.0;
    double last_live_s_ = 0.0;
    double last_tick_s_ = 0.0;
    bool started_ = false;
    bool over_ = false;
    std::optional<bool> finish_mpi_;  ///< decided with the first dismissal
    bool live_warned_ = false;
};

}  // namespace fairsweep
