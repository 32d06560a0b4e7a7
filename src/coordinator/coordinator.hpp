#pragma once
/// The brain of a sweep: events in, commands out. It knows no MPI, no clock and no file; time is an argument, so that the
/// same code runs under mpirun, in one process, in tests and in the simulator.
///
/// A stage is in exactly one state: waiting -> running -> done | diverged | failed | lost | skipped (| quarantined), or
/// preempted when the run is stopped. An attempt is one lease of a stage to a team of workers, mostly of one; attempts are
/// numbered from 1 and never reused. A worker is idle, running (has its part in the one lease of its stage), revoked (was told to
/// give its attempt up and has not answered yet: gets no work), lost (silent) or dismissed.
///
/// A team's result is its first member's. The loss or failure of any member ends the attempt for all; members that only say that
/// their team came apart are waited for, so that whoever was the cause can say so. Results do not depend on the size of a team: a
/// stage may go on with another.
///
/// Losses and hangs count over runs. A stage that has cost workers is a suspect: it goes after everything else that can run.
/// One that was running at two deaths of a whole run runs alone, last of all, so that a third death tells whose fault it is.
///
/// What the adapter promises: it delivers what arrived before it calls on_tick; it makes the row of an AcceptResult or a
/// CloseStage durable before it acknowledges; it carries commands out in order.
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/stage_graph.hpp"
#include "fairsweep/ids.hpp"
#include "fairsweep/outcome.hpp"
#include "fairsweep/plan.hpp"

namespace fairsweep {

/// numeric: divergence is a result, not a failure. preempted: never counted. config: the same again.
[[nodiscard]] constexpr PerEnum<FailureClass, std::uint32_t> default_retries() {
    PerEnum<FailureClass, std::uint32_t> retries;
    retries[FailureClass::lost] = 3;
    retries[FailureClass::hang] = 2;
    retries[FailureClass::out_of_memory] = 1;
    retries[FailureClass::io] = 3;
    retries[FailureClass::internal] = 1;
    return retries;
}

struct CoordinatorPolicy {
    /// Retries after a failure of each class; one more failure closes the stage. Losses and hangs of earlier runs count.
    PerEnum<FailureClass, std::uint32_t> retries = default_retries();
    double io_backoff_s = 2.0;       ///< wait before an attempt that follows an I/O failure, doubled each time
    double worker_silence_s = 15.0;  ///< silence after which a worker counts as lost
    double own_sleep_s = 5.0;        ///< a longer gap between two ticks is the coordinator's own: it counts against nobody
    double lease_first_s = 900.0;    ///< until the first progress beat: loading data, first step
    double lease_least_s = 300.0;    ///< shortest time between beats that counts as a hang
    double lease_factor = 10.0;      ///< times the longest gap between beats seen for the stage's kind
    std::uint32_t alone_after = 2;   ///< deaths of a whole run after which a stage that was running runs alone
    std::uint32_t max_failures = 0;  ///< number of failed or lost stages at which the run stops; 0: none

    /// Of each team that a stage can have, as many as this; 0: teams of those who would be idle. See docs/teams.md.
    std::uint32_t team_ranks = 1;
    std::uint32_t workers = 0;  ///< that will join; teams of a given size wait for them for worker_silence_s after the start
    std::function<std::uint32_t(const Stage&)> most_ranks = [](const Stage&) { return 1U; };  ///< that can run a stage together
    /// With teams of those who would be idle: a stage that has run for so long, and has at least as long to go, is stopped at a
    /// step and goes on with a team of twice the size.
    double grow_after_s = 120.0;
};

/// front() leads: it alone leaves files, and its outcome is the stage's.
using Team = std::vector<WorkerId>;

struct GrantLease {
    Team team;
    StageIndex stage;
    Attempt attempt;
    std::uint64_t lease;  ///< number of the lease, counted over this run
    double deadline_s;
};
/// Give the attempt up. The worker answers with whatever outcome it has.
struct RevokeLease {
    WorkerId worker;
    StageIndex stage;
    Attempt attempt;
    bool at_step;  ///< at the next step, which a team agrees upon; otherwise its team ends here
};
/// The result counts: write it as the stage's row in this state, then acknowledge.
struct AcceptResult {
    WorkerId worker;
    StageIndex stage;
    Attempt attempt;
    StageState state;
    std::uint32_t ranks;  ///< of its team
};
/// The result makes no row (the stage is closed already, or is tried again): acknowledge, so that the worker forgets it.
struct DropResult {
    WorkerId worker;
    StageIndex stage;
    Attempt attempt;
    std::string reason;
};
/// The coordinator itself ends a stage: lost, hung too often, or skipped because of what it needs. Attempt 0: never tried.
struct CloseStage {
    StageIndex stage;
    Attempt attempt;
    StageState state;
    FailureClass failure;
    std::string message;
};
/// An attempt came to no end and the stage is tried again: write it down, so that it counts in later runs too.
struct RecordLoss {
    WorkerId worker;
    StageIndex stage;
    Attempt attempt;
    FailureClass failure;  ///< lost or hang
    std::string message;
};
/// End the running stage at its next step, as preempted; take no more work.
struct DrainWorker {
    WorkerId worker;
    StageIndex stage;
    Attempt attempt;
};
/// There is nothing more to do: leave.
struct DismissWorker {
    WorkerId worker;
};
using Command =
    std::variant<GrantLease, RevokeLease, AcceptResult, DropResult, CloseStage, RecordLoss, DrainWorker, DismissWorker>;
using Commands = std::vector<Command>;

enum class WorkerState : std::uint8_t { idle, running, revoked, lost, dismissed };
template <>
struct Words<WorkerState> {
    static constexpr std::array kWords{"idle", "running", "revoked", "lost", "dismissed"};
};

struct WorkerView {
    WorkerState state = WorkerState::idle;
    StageIndex stage = 0;      ///< running and revoked
    Attempt attempt{};         ///< running and revoked
    double fraction = 0.0;     ///< of the running stage, as last reported
    double started_s = 0.0;    ///< of the attempt
    double last_beat_s = 0.0;  ///< last proof of progress
    double deadline_s = 0.0;   ///< of the lease, or of the answer to its revocation
    std::uint32_t beats = 0;   ///< progress beats of the attempt
    double first_fraction = 0.0, first_beat_s = 0.0;
    bool leaving = false;
    double last_heard_s = 0.0;
    double revoked_s = 0.0;
    bool ends_by_itself = false;  ///< revoked without a word: its team's result is there
    std::string host;
};

struct StateCounts {
    std::uint64_t total = 0;
    PerEnum<StageState, std::uint64_t> by_state;
    [[nodiscard]] std::uint64_t of(StageState state) const { return by_state[state]; }
};

/// What a finished attempt says of itself; figures and scores stay with the adapter.
struct Verdict {
    StageState state = StageState::failed;
    FailureClass failure = FailureClass::none;
    bool leads = true;       ///< of the first of its team: its result is the stage's
    bool lost_team = false;  ///< failed: its team came apart, for a reason that lies with another member
    bool begun = true;       ///< preempted: false, it never ran this attempt, and nobody has met it there
};

class Coordinator {
public:
    /// `plan` must outlive the coordinator.
    Coordinator(const Plan& plan, const Opening& opening, const CoordinatorPolicy& policy);

    // Events. Unknown workers, stages and attempts are answered with a DropResult or ignored: nothing that arrives over a
    // wire can break a promise.
    [[nodiscard]] Commands on_started(double now_s);  ///< first of all: closes what can never run
    [[nodiscard]] Commands on_worker_joined(WorkerId worker, const std::string& host, double now_s);
    [[nodiscard]] Commands on_worker_alive(WorkerId worker, double now_s);
    [[nodiscard]] Commands on_worker_lost(WorkerId worker, double now_s);
    /// A signal told this worker to go: it ends what it runs, takes nothing more, and is dismissed then.
    [[nodiscard]] Commands on_worker_leaving(WorkerId worker, double now_s);
    [[nodiscard]] Commands on_progress(WorkerId worker, StageIndex stage, Attempt attempt, double fraction, double now_s);
    [[nodiscard]] Commands on_stage_finished(WorkerId worker, StageIndex stage, Attempt attempt, const Verdict& verdict,
                                             double now_s);
    [[nodiscard]] Commands on_tick(double now_s);  ///< silent workers, expired leases, waits that are over
    [[nodiscard]] Commands on_stop_requested(double now_s);

    /// Nothing is running and nothing more will be granted.
    [[nodiscard]] bool is_finished() const;
    [[nodiscard]] bool is_stopping() const { return stopping_; }
    [[nodiscard]] bool failure_limit_reached() const { return failure_limit_reached_; }
    /// Workers that could be given work, now or when they have answered.
    [[nodiscard]] std::size_t workers_in_service() const;

    [[nodiscard]] StageState state(StageIndex stage) const { return stages_[stage].state; }
    [[nodiscard]] Attempt last_attempt(StageIndex stage) const { return stages_[stage].last_attempt; }
    /// Failures of this class, losses and hangs of earlier runs included.
    [[nodiscard]] std::uint32_t failures(StageIndex stage, FailureClass failure) const {
        return stages_[stage].failures[failure];
    }
    [[nodiscard]] bool is_selected(StageIndex stage) const { return stages_[stage].selected; }
    [[nodiscard]] bool has_delay(StageIndex stage) const { return delayed_.count(stage) != 0; }  ///< waits after an I/O failure
    [[nodiscard]] const std::map<WorkerId, WorkerView>& workers() const { return workers_; }
    [[nodiscard]] std::uint64_t attempts_granted() const { return attempts_granted_; }  ///< in this run
    [[nodiscard]] StateCounts stage_counts() const;
    [[nodiscard]] StateCounts point_counts() const;

private:
    struct StageEntry {
        StageState state = StageState::waiting;
        bool selected = false;
        Attempt last_attempt{};         ///< highest number used
        Attempt last_attempt_before{};  ///< by earlier runs
        std::uint32_t needs_open = 0;
        double not_before_s = 0.0;
        PerEnum<FailureClass, std::uint32_t> failures;
        std::uint32_t interruptions = 0;  ///< deaths of a whole run while it was running
        bool runs_alone = false;
        /// Larger: later. Who cost workers comes before who may have cost whole runs.
        [[nodiscard]] std::uint64_t suspicion() const {
            const std::uint32_t workers_lost = failures[FailureClass::lost] + failures[FailureClass::hang];
            return (std::uint64_t{runs_alone ? interruptions : 0} << 32) + workers_lost;
        }
    };
    struct Lease {
        std::size_t ranks = 1;
        Team at_work{};           ///< who has not answered yet, in the team's order
        bool came_apart = false;  ///< a member has lost the others
        bool is_ending = false;   ///< asked to stop at a step
    };
    /// What a worker says has ended.
    struct Answer {
        WorkerId worker;
        StageIndex stage;
        Attempt attempt;
    };
    struct ReadyOrder {
        const std::vector<double>* bottom_level_s;
        const std::vector<StageEntry>* stages;
        bool operator()(StageIndex a, StageIndex b) const {
            const std::uint64_t suspicion_a = (*stages)[a].suspicion();
            const std::uint64_t suspicion_b = (*stages)[b].suspicion();
            if (suspicion_a != suspicion_b) return suspicion_a < suspicion_b;
            const double level_a = (*bottom_level_s)[a];
            const double level_b = (*bottom_level_s)[b];
            return level_a != level_b ? level_a > level_b : a < b;
        }
    };

    void set_state(StageIndex stage, StageState state);
    void make_ready(StageIndex stage, double now_s);
    void forget_waiting(StageIndex stage);
    void close(StageIndex stage, StageState state, double now_s, Commands& commands);
    void close_dependants(StageIndex stage, Commands& commands);
    void close_beyond_budget(double now_s, Commands& commands);
    void lose_attempt(WorkerId worker, StageIndex stage, FailureClass failure, double now_s, Commands& commands);
    void revoke(WorkerId worker, double now_s, Commands& commands);
    void mark_revoked(WorkerView& view, double now_s, double answers_within_s, bool ends_by_itself);
    void end_lease(StageIndex stage, bool tell, double now_s, Commands& commands);
    void stop_at_step(StageIndex stage, Commands& commands);
    bool free_worker(WorkerId worker, StageIndex stage, Attempt attempt);
    void settle_current(const Answer& answer, const Verdict& verdict, double now_s, Commands& commands);
    void settle(const Answer& answer, StageState state, double now_s, Commands& commands);
    void settle_failure(const Answer& answer, FailureClass failure, double now_s, Commands& commands);
    void settle_preempted(const Answer& answer, double now_s, Commands& commands);
    void begin_stopping(Commands& commands);
    void dismiss(WorkerId worker, Commands& commands);
    void lose_worker(WorkerId worker, double now_s, Commands& commands);
    void expire(double now_s, Commands& commands);
    void forgive_own_sleep(double now_s);
    void grant(const Team& team, StageIndex stage, double now_s, Commands& commands);
    [[nodiscard]] bool may_run_now(StageIndex stage) const;
    [[nodiscard]] std::uint32_t ranks_for(StageIndex stage, double now_s) const;
    [[nodiscard]] Team take_idle(std::uint32_t ranks);
    void grow_a_team(double now_s, Commands& commands);
    void dispatch(double now_s, Commands& commands);
    WorkerView* heard_from(WorkerId worker, double now_s, Commands& commands);
    [[nodiscard]] double lease_length_s(StageKind kind) const;

    const Plan& plan_;
    CoordinatorPolicy policy_;
    StageGraph graph_;
    std::vector<StageEntry> stages_;
    std::set<StageIndex, ReadyOrder> ready_;
    std::set<StageIndex> delayed_;
    std::map<WorkerId, WorkerView> workers_;
    std::set<WorkerId> idle_;
    std::map<StageIndex, Lease> leases_;        ///< of running stages
    PerEnum<StageKind, double> longest_gap_s_;  ///< between beats; 0: none seen
    StateCounts counts_;
    std::uint64_t selected_open_ = 0;  ///< selected stages that are not final
    std::uint64_t attempts_granted_ = 0;
    std::uint32_t failures_ = 0;
    double started_s_ = 0.0;
    double last_tick_s_ = 0.0;
    bool ticked_ = false;
    bool stopping_ = false;
    bool failure_limit_reached_ = false;
};

}  // namespace fairsweep
