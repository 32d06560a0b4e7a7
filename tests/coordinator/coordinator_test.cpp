#include "coordinator/coordinator.hpp"

#include "support/catch.hpp"
#include "world.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

/// A coordinator, its world, and every command it ever gave.
struct Sweeping {
    explicit Sweeping(const std::string& line, CoordinatorPolicy policy = {}, OpeningRequest request = {})
        : plan(world(line)), brain(plan, opening_of(plan, request), policy) {
        heard(brain.on_started(0));
    }
    std::string heard(const Commands& commands) {
        const std::string text = text_of(commands);
        if (!text.empty()) record += (record.empty() ? "" : " ") + text;
        return text;
    }
    std::string joined(int worker, double now_s = 0) { return heard(brain.on_worker_joined(WorkerId{worker}, "host", now_s)); }
    std::string finished(int worker, StageIndex stage, std::uint32_t attempt, Verdict verdict = kDone, double now_s = 1) {
        return heard(brain.on_stage_finished(WorkerId{worker}, stage, Attempt{attempt}, verdict, now_s));
    }
    /// Ticks every second, all `alive` workers beating.
    std::string wait(double from_s, double to_s, const std::vector<int>& alive) {
        std::string all;
        for (double now_s = from_s; now_s <= to_s; now_s += 1) {
            for (const int worker : alive) {
                const std::string text = heard(brain.on_worker_alive(WorkerId{worker}, now_s));
                if (!text.empty()) all += (all.empty() ? "" : " ") + text;
            }
            const std::string text = heard(brain.on_tick(now_s));
            if (!text.empty()) all += (all.empty() ? "" : " ") + text;
        }
        return all;
    }
    Plan plan;
    Coordinator brain;
    std::string record;
};

}  // namespace

TEST_CASE("The longest way to the end is granted first, ties in plan order") {
    Sweeping sweep("b1=1 b2=1 c1=9<b2 e1=1<b1 e2=1<c1");
    CHECK(sweep.joined(1) == "grant(w1,s1,a1)");
    CHECK(sweep.joined(2) == "grant(w2,s0,a1)");
    CHECK(sweep.finished(1, 1, 1) == "accept(s1,done) grant(w1,s2,a1)");
    CHECK(sweep.finished(2, 0, 1) == "accept(s0,done) grant(w2,s3,a1)");
    CHECK(sweep.finished(2, 3, 1) == "accept(s3,done)");
    CHECK(sweep.finished(1, 2, 1) == "accept(s2,done) grant(w1,s4,a1)");
    CHECK_FALSE(sweep.brain.is_finished());
    CHECK(sweep.finished(1, 4, 1) == "accept(s4,done) dismiss(w1) dismiss(w2)");
    CHECK(sweep.brain.is_finished());
    CHECK(sweep.brain.point_counts().of(StageState::done) == 2);
}

TEST_CASE("Beats of every kind of stage are counted for that kind alone") {
    for (const StageKind kind : all_of<StageKind>()) {
        INFO(name_of(kind));
        Plan plan = world("e1=1");
        plan.stages.front().kind = kind;
        Coordinator brain(plan, opening_of(plan), {});
        static_cast<void>(brain.on_started(0));
        static_cast<void>(brain.on_worker_joined(WorkerId{1}, "host", 0));
        for (int beat = 1; beat <= 3; ++beat)
            static_cast<void>(brain.on_progress(WorkerId{1}, 0, Attempt{1}, 0.1 * beat, 5.0 * beat));
        CHECK(brain.stage_counts().total == 1);
        CHECK(brain.stage_counts().of(StageState::running) == 1);
        CHECK(text_of(brain.on_stage_finished(WorkerId{1}, 0, Attempt{1}, kDone, 20)) == "accept(s0,done) dismiss(w1)");
    }
}

TEST_CASE("A finished sweep sends everybody home at once") {
    const Plan plan = world("b=1 e=1<b");
    Coordinator brain(plan, open_stages(plan, {{StageState::done, Attempt{1}}, {StageState::done, Attempt{1}}}, {}), {});
    CHECK(text_of(brain.on_started(0)).empty());
    CHECK(brain.is_finished());
    CHECK(text_of(brain.on_worker_joined(WorkerId{1}, "host", 0)) == "dismiss(w1)");
}

TEST_CASE("A silent worker is lost and its stage goes to another with a new attempt number") {
    Sweeping sweep("b=1");
    sweep.joined(1);
    sweep.joined(2);
    CHECK(sweep.wait(1, 15, {2}).empty());
    CHECK(sweep.wait(16, 16, {2}) == "lost(w1,s0) grant(w2,s0,a2)");
    CHECK(sweep.brain.workers().at(WorkerId{1}).state == WorkerState::lost);

    SECTION("its late result is accepted while the stage is open, and the second runner is called off") {
        CHECK(sweep.finished(1, 0, 1, kDone, 20) == "revoke(w1,s0) revoke(w2,s0) accept(s0,done) dismiss(w1) dismiss(w2)");
        CHECK(sweep.finished(2, 0, 2, kDone, 21) == "drop(w2,s0)");
    }
    SECTION("its late result is dropped when the stage is closed") {
        CHECK(sweep.finished(2, 0, 2, kDone, 20) == "accept(s0,done) dismiss(w2)");
        CHECK(sweep.finished(1, 0, 1, kDone, 21) == "revoke(w1,s0) drop(w1,s0) dismiss(w1)");
    }
    SECTION("its late failure changes nothing") {
        CHECK(sweep.finished(1, 0, 1, failed(FailureClass::config), 20) == "revoke(w1,s0) drop(w1,s0)");
        CHECK(sweep.brain.state(0) == StageState::running);
        CHECK(sweep.brain.workers().at(WorkerId{1}).state == WorkerState::idle);
    }
    SECTION("when it comes back it gives up what it had before it gets more") {
        CHECK(text_of(sweep.brain.on_worker_alive(WorkerId{1}, 20)) == "revoke(w1,s0)");
        CHECK(sweep.brain.workers().at(WorkerId{1}).state == WorkerState::revoked);
        CHECK(sweep.finished(1, 0, 1, kPreempted, 21) == "drop(w1,s0)");
        CHECK(sweep.brain.workers().at(WorkerId{1}).state == WorkerState::idle);
    }
}

TEST_CASE("A stage that loses its worker too often is lost, and what needs it is skipped") {
    Sweeping sweep("b=1 t=1<b c=1<b,t e1=1<b e2=1<c");
    for (int worker = 1; worker <= 3; ++worker) {
        CHECK(sweep.joined(worker) == "grant(w" + std::to_string(worker) + ",s0,a" + std::to_string(worker) + ")");
        CHECK(sweep.heard(sweep.brain.on_worker_lost(WorkerId{worker}, worker)) == "lost(w" + std::to_string(worker) + ",s0)");
    }
    sweep.joined(4);
    const std::string last = sweep.heard(sweep.brain.on_worker_lost(WorkerId{4}, 4));
    CHECK(last == "close(s0,lost) close(s1,skipped) close(s2,skipped) close(s3,skipped) close(s4,skipped)");
    CHECK(sweep.brain.is_finished());
    CHECK(sweep.brain.point_counts().of(StageState::lost) == 1);     // its own network is lost
    CHECK(sweep.brain.point_counts().of(StageState::skipped) == 1);  // its network was never tried
}

TEST_CASE("Losses and hangs of earlier runs count") {
    const Plan plan = world("b=1 e=1<b");
    StageBefore before;
    before.last_attempt = Attempt{9};
    SECTION("the next loss is one too many") {
        before.history.losses = 3;
        Coordinator brain(plan, open_stages(plan, {before, {}}, {}), {});
        CHECK(text_of(brain.on_started(0)).empty());
        CHECK(text_of(brain.on_worker_joined(WorkerId{1}, "host", 0)) == "grant(w1,s0,a10)");
        CHECK(text_of(brain.on_worker_lost(WorkerId{1}, 1)) == "close(s0,lost) close(s1,skipped)");
        CHECK(brain.is_finished());
    }
    SECTION("the next hang is one too many") {
        before.history.hangs = 2;
        CoordinatorPolicy policy;
        policy.lease_first_s = policy.lease_least_s = 10;
        Coordinator brain(plan, open_stages(plan, {before, {}}, {}), policy);
        static_cast<void>(brain.on_started(0));
        static_cast<void>(brain.on_worker_joined(WorkerId{1}, "host", 0));
        CHECK(text_of(brain.on_tick(11)) == "revoke(w1,s0) close(s0,failed) close(s1,skipped) dismiss(w1)");
    }
    SECTION("a budget that whole runs have used up is told at the start") {
        before.history.losses = 4;
        Coordinator brain(plan, open_stages(plan, {before, {}}, {}), {});
        CHECK(text_of(brain.on_started(0)) == "close(s0,lost) close(s1,skipped)");
        CHECK(brain.is_finished());
    }
}

TEST_CASE("A stage that has cost workers goes after everything else") {
    Sweeping sweep("b1=9 b2=1 b3=1 e1=1<b1");
    CHECK(sweep.joined(1) == "grant(w1,s0,a1)");
    CHECK(sweep.heard(sweep.brain.on_worker_lost(WorkerId{1}, 1)) == "lost(w1,s0)");
    CHECK(sweep.joined(2, 2) == "grant(w2,s1,a1)");
    CHECK(sweep.finished(2, 1, 1, kDone, 3) == "accept(s1,done) grant(w2,s2,a1)");
    CHECK(sweep.finished(2, 2, 1, kDone, 4) == "accept(s2,done) grant(w2,s0,a2)");
    CHECK(sweep.brain.failures(0, FailureClass::lost) == 1);
}

TEST_CASE("A stage that was running at two deaths of a whole run runs alone, last of all") {
    const Plan plan = world("b1=9 b2=5 b3=1");
    std::vector<StageBefore> before(3);
    before[0].history.interruptions = 2;
    before[1].history.interruptions = 1;  // once may be a power cut: no suspect
    Coordinator brain(plan, open_stages(plan, before, {}), {});
    static_cast<void>(brain.on_started(0));
    CHECK(text_of(brain.on_worker_joined(WorkerId{1}, "host", 0)) == "grant(w1,s1,a1)");
    CHECK(text_of(brain.on_worker_joined(WorkerId{2}, "host", 0)) == "grant(w2,s2,a1)");
    CHECK(text_of(brain.on_worker_joined(WorkerId{3}, "host", 0)).empty());
    CHECK(text_of(brain.on_stage_finished(WorkerId{1}, 1, Attempt{1}, kDone, 1)) == "accept(s1,done)");
    CHECK(text_of(brain.on_stage_finished(WorkerId{2}, 2, Attempt{1}, kDone, 2)) == "accept(s2,done) grant(w1,s0,a1)");
    CHECK(text_of(brain.on_stage_finished(WorkerId{1}, 0, Attempt{1}, kDone, 3)) ==
          "accept(s0,done) dismiss(w1) dismiss(w2) dismiss(w3)");
}

TEST_CASE("The loss of a worker that was told to go is not held against its stage") {
    Sweeping sweep("b=1");
    sweep.joined(1);
    sweep.heard(sweep.brain.on_worker_leaving(WorkerId{1}, 1));
    CHECK(sweep.heard(sweep.brain.on_worker_lost(WorkerId{1}, 2)).empty());
    CHECK(sweep.joined(2, 3) == "grant(w2,s0,a2)");
    CHECK(sweep.brain.failures(0, FailureClass::lost) == 0);
}

TEST_CASE("A running sweep and its store judge points by one rule") {
    // The network is lost and its evaluation failed: no run leaves that behind, but a store of two runs can.
    const Plan plan = world("b=1 e=1<b");
    Coordinator brain(plan, open_stages(plan, {{StageState::lost, Attempt{1}}, {StageState::failed, Attempt{1}}}, {}), {});
    CHECK(brain.point_counts().of(StageState::lost) == 1);
}

TEST_CASE("Every failure class has its own budget") {
    const auto [failure, attempts, state] =
        GENERATE(table<FailureClass, std::uint32_t, const char*>({{FailureClass::io, 4, "failed"},
                                                                  {FailureClass::internal, 2, "failed"},
                                                                  {FailureClass::out_of_memory, 2, "failed"},
                                                                  {FailureClass::config, 1, "failed"},
                                                                  {FailureClass::hang, 3, "failed"},
                                                                  {FailureClass::numeric, 1, "diverged"}}));
    Sweeping sweep("b=1 c=1<b");
    sweep.joined(1);
    double now_s = 0;
    for (std::uint32_t attempt = 1; attempt < attempts; ++attempt) {
        CHECK_THAT(sweep.finished(1, 0, attempt, failed(failure), now_s), ContainsSubstring("drop(w1,s0)"));
        sweep.wait(now_s, now_s + 20, {1});  // after I/O errors there is a wait
        now_s += 20;
        REQUIRE(sweep.brain.state(0) == StageState::running);
    }
    CHECK(sweep.finished(1, 0, attempts, failed(failure), now_s) ==
          std::string("accept(s0,") + state + ") close(s1,skipped) dismiss(w1)");
}

TEST_CASE("Budgets are separate: one class does not use up another") {
    Sweeping sweep("b=1");
    sweep.joined(1);
    sweep.finished(1, 0, 1, failed(FailureClass::internal));
    sweep.finished(1, 0, 2, failed(FailureClass::out_of_memory));
    CHECK(sweep.brain.state(0) == StageState::running);
    CHECK(sweep.finished(1, 0, 3) == "accept(s0,done) dismiss(w1)");
}

TEST_CASE("The evaluation of a diverged network is diverged, what else needs it is skipped") {
    Sweeping sweep("b=1 t=1<b e1=1<b c=1<b,t e2=1<c");
    sweep.joined(1);
    CHECK(sweep.finished(1, 0, 1, {StageState::diverged, FailureClass::numeric}) ==
          "accept(s0,diverged) close(s1,skipped) close(s2,diverged) close(s3,skipped) close(s4,skipped) dismiss(w1)");
    CHECK(sweep.brain.point_counts().of(StageState::diverged) == 1);
    CHECK(sweep.brain.point_counts().of(StageState::skipped) == 1);
}

TEST_CASE("After an I/O failure the stage waits, and others go first") {
    CoordinatorPolicy policy;
    policy.io_backoff_s = 10;
    Sweeping sweep("b1=5 b2=1", policy);
    sweep.joined(1);
    CHECK(sweep.finished(1, 0, 1, failed(FailureClass::io), 1) == "drop(w1,s0) grant(w1,s1,a1)");
    CHECK(sweep.finished(1, 1, 1, kDone, 2) == "accept(s1,done)");
    CHECK(sweep.wait(3, 10, {1}).empty());
    CHECK(sweep.wait(11, 11, {1}) == "grant(w1,s0,a2)");
}

TEST_CASE("A stage without progress is taken away; its worker gets no work until it answers") {
    CoordinatorPolicy policy;
    policy.lease_first_s = 30;
    policy.lease_least_s = 10;
    Sweeping sweep("b=1", policy);
    sweep.joined(1);
    CHECK(sweep.wait(1, 30, {1}).empty());
    CHECK(sweep.wait(31, 31, {1}) == "revoke(w1,s0) hang(w1,s0)");
    SECTION("it answers") { CHECK(sweep.finished(1, 0, 1, kPreempted, 32) == "drop(w1,s0) grant(w1,s0,a2)"); }
    SECTION("it never answers and is sent away") {
        CHECK(sweep.wait(32, 41, {1}).empty());
        CHECK(sweep.wait(42, 42, {1}) == "dismiss(w1)");
        CHECK(sweep.brain.workers_in_service() == 0);
        CHECK(sweep.wait(43, 60, {1}).empty());
        CHECK(sweep.joined(2, 61) == "grant(w2,s0,a2)");
    }
}

TEST_CASE("Deadlines follow the beats of the stage's kind") {
    CoordinatorPolicy policy;
    policy.lease_first_s = 100;
    policy.lease_least_s = 5;
    policy.lease_factor = 10;
    Sweeping sweep("b1=1 b2=1", policy);
    sweep.joined(1);
    CHECK(text_of(sweep.brain.on_progress(WorkerId{1}, 0, Attempt{1}, 0.1, 50)).empty());
    CHECK(sweep.brain.workers().at(WorkerId{1}).deadline_s == 55);
    CHECK(text_of(sweep.brain.on_progress(WorkerId{1}, 0, Attempt{1}, 0.2, 53)).empty());
    CHECK(sweep.brain.workers().at(WorkerId{1}).deadline_s == 83);
    CHECK(sweep.brain.workers().at(WorkerId{1}).fraction == 0.2);
    CHECK(text_of(sweep.brain.on_progress(WorkerId{1}, 0, Attempt{7}, 0.9, 54)).empty());
    CHECK(sweep.brain.workers().at(WorkerId{1}).fraction == 0.2);
}

TEST_CASE("Time in which the coordinator itself slept counts against nobody") {
    Sweeping sweep("b=1");
    sweep.joined(1);
    CHECK(text_of(sweep.brain.on_tick(1)).empty());
    CHECK(text_of(sweep.brain.on_tick(5000)).empty());
    CHECK(sweep.brain.workers().at(WorkerId{1}).state == WorkerState::running);
    CHECK(sweep.wait(5001, 5014, {}).empty());
    CHECK(sweep.wait(5015, 5015, {}) == "lost(w1,s0)");
    CHECK(sweep.brain.workers().at(WorkerId{1}).state == WorkerState::lost);
}

TEST_CASE("A stop drains what runs, grants nothing more and ends with preempted stages") {
    Sweeping sweep("b1=1 b2=1 b3=1");
    sweep.joined(1);
    sweep.joined(2);
    CHECK(sweep.heard(sweep.brain.on_stop_requested(1)) == "drain(w1) drain(w2)");
    CHECK(sweep.finished(1, 0, 1, kDone, 2) == "accept(s0,done)");
    CHECK_FALSE(sweep.brain.is_finished());
    CHECK(sweep.finished(2, 1, 1, kPreempted, 3) == "accept(s1,preempted) dismiss(w1) dismiss(w2)");
    CHECK(sweep.brain.is_finished());
    CHECK(sweep.brain.stage_counts().of(StageState::preempted) == 1);
    CHECK(sweep.brain.stage_counts().of(StageState::waiting) == 1);
}

TEST_CASE("A worker that interrupts itself does not cost the stage an attempt of any budget") {
    Sweeping sweep("b=1");
    sweep.joined(1);
    for (std::uint32_t attempt = 1; attempt < 50; ++attempt) {
        CHECK(sweep.finished(1, 0, attempt, kPreempted) == "drop(w1,s0) grant(w1,s0,a" + std::to_string(attempt + 1) + ")");
    }
}

TEST_CASE("A worker that is told to go ends what it runs and is dismissed") {
    Sweeping sweep("b1=2 b2=1");
    sweep.joined(1);
    CHECK(sweep.heard(sweep.brain.on_worker_leaving(WorkerId{1}, 1)).empty());
    CHECK(sweep.finished(1, 0, 1, kPreempted, 2) == "drop(w1,s0) dismiss(w1)");
    CHECK(sweep.joined(2, 3) == "grant(w2,s0,a2)");
    CHECK(sweep.joined(3, 3) == "grant(w3,s1,a1)");
    CHECK(sweep.finished(3, 1, 1, kDone, 4) == "accept(s1,done)");
    CHECK(sweep.heard(sweep.brain.on_worker_leaving(WorkerId{3}, 5)) == "dismiss(w3)");
    CHECK(sweep.brain.workers_in_service() == 1);
}

TEST_CASE("The failure limit stops the run") {
    CoordinatorPolicy policy;
    policy.max_failures = 1;
    Sweeping sweep("b1=1 b2=1 b3=1 c=1<b1", policy);
    sweep.joined(1);
    sweep.joined(2);
    CHECK(sweep.finished(1, 0, 1, failed(FailureClass::config)) == "accept(s0,failed) close(s3,skipped) drain(w2)");
    CHECK(sweep.brain.failure_limit_reached());
    CHECK(sweep.finished(2, 1, 1, kPreempted) == "accept(s1,preempted) dismiss(w1) dismiss(w2)");
}

TEST_CASE("Nothing that a worker claims can break a promise") {
    Sweeping sweep("b=1 c=1<b");
    CHECK(sweep.finished(9, 0, 1) == "drop(w9,s0)");
    sweep.joined(1);
    CHECK(sweep.finished(1, 77, 1) == "drop(w1,s77)");
    CHECK(sweep.finished(1, 0, 2) == "drop(w1,s0)");
    CHECK(sweep.finished(1, 0, 0) == "drop(w1,s0)");
    CHECK(sweep.finished(1, 1, 1) == "drop(w1,s1)");
    CHECK(text_of(sweep.brain.on_progress(WorkerId{1}, 99, Attempt{1}, std::nan(""), 1)).empty());
    CHECK(sweep.brain.state(0) == StageState::running);
    CHECK(sweep.finished(1, 0, 1, {StageState::running, FailureClass::none}) == "drop(w1,s0) grant(w1,s0,a2)");
    CHECK(sweep.finished(1, 0, 2) == "accept(s0,done) grant(w1,s1,a1)");
    CHECK(sweep.finished(1, 0, 2) == "drop(w1,s0)");
}

namespace {

CoordinatorPolicy teams_of(std::uint32_t ranks, std::uint32_t most = 4) {
    CoordinatorPolicy policy;
    policy.team_ranks = ranks;
    policy.most_ranks = [most](const Stage& stage) { return stage.kind == StageKind::evaluation ? 1 : most; };
    return policy;
}

std::string joined_on(Sweeping& sweep, int worker, const std::string& host) {
    return sweep.heard(sweep.brain.on_worker_joined(WorkerId{worker}, host, 0));
}

}  // namespace

TEST_CASE("A team of a given size waits for so many workers, and its first member's result is the stage's") {
    Sweeping sweep("b=5 e=1<b", teams_of(2));
    CHECK(sweep.joined(1) == "grant(w1,s0,a1)");  // nobody else is there: better alone than not at all
    CHECK(sweep.finished(1, 0, 1, kPreempted) == "drop(w1,s0) grant(w1,s0,a2)");
    CHECK(sweep.joined(2).empty());
    CHECK(sweep.finished(1, 0, 2, kPreempted) == "drop(w1,s0) grant(w1+w2,s0,a3)");
    SECTION("a member that is done first has no result") {
        CHECK(sweep.finished(2, 0, 3, of_member(kDone)) == "drop(w2,s0)");
        CHECK(sweep.brain.state(0) == StageState::running);
        CHECK(sweep.finished(1, 0, 3) == "accept(s0,done) grant(w1,s1,a1)");
        CHECK(sweep.finished(1, 1, 1) == "accept(s1,done) dismiss(w1) dismiss(w2)");
    }
    SECTION("a member that is done last is waited for at the end, and not told to give up") {
        CHECK(sweep.finished(1, 0, 3) == "accept(s0,done) grant(w1,s1,a1)");
        CHECK(sweep.finished(1, 1, 1) == "accept(s1,done)");
        CHECK_FALSE(sweep.brain.is_finished());
        CHECK(sweep.finished(2, 0, 3, of_member(kDone)) == "drop(w2,s0) dismiss(w1) dismiss(w2)");
    }
    SECTION("a member that is done and never says so keeps nobody for ever") {
        sweep.finished(1, 0, 3);
        sweep.finished(1, 1, 1);
        CHECK(sweep.wait(2, 18, {1, 2}) == "revoke(w2,s0) dismiss(w1) dismiss(w2)");
    }
    SECTION("a member's word that it is done does not end a stage whose attempt was given up") {
        CHECK(sweep.heard(sweep.brain.on_worker_lost(WorkerId{1}, 2)) == "revoke(w2,s0) lost(w1,s0)");
        CHECK(sweep.finished(2, 0, 3, of_member(kDone)) == "drop(w2,s0) grant(w2,s0,a4)");
        CHECK(sweep.finished(2, 0, 4) == "accept(s0,done) grant(w2,s1,a1)");
    }
}

TEST_CASE("Whoever is lost from a team ends the attempt once, and the others are free when they have answered") {
    Sweeping sweep("b=5", teams_of(4));
    for (int worker = 1; worker <= 4; ++worker) sweep.joined(worker);
    sweep.finished(1, 0, 1, kPreempted);
    REQUIRE(sweep.brain.last_attempt(0) == Attempt{2});
    SECTION("silent") {
        const std::string told = sweep.wait(2, 17, {1, 2, 4});
        CHECK(told == "revoke(w1,s0) revoke(w2,s0) revoke(w4,s0) lost(w3,s0)");
        CHECK(sweep.finished(1, 0, 2, kLostTeam, 18) == "drop(w1,s0)");  // the others have yet to answer
        CHECK(sweep.finished(2, 0, 2, of_member(kLostTeam), 18) == "drop(w2,s0) grant(w1+w2,s0,a3)");
        CHECK(sweep.brain.failures(0, FailureClass::lost) == 1);
    }
    SECTION("hung: all of them without a beat") {
        CHECK(sweep.wait(2, 902, {1, 2, 3, 4}) ==
              "revoke(w1,s0) revoke(w2,s0) revoke(w3,s0) revoke(w4,s0) hang(w1,s0)");
        CHECK(sweep.brain.failures(0, FailureClass::hang) == 1);
    }
}

TEST_CASE("The failure that counts is that of the member who was its cause") {
    Sweeping sweep("b=5", teams_of(2));
    sweep.joined(1);
    sweep.joined(2);
    CHECK(sweep.finished(1, 0, 1, kPreempted) == "drop(w1,s0) grant(w1+w2,s0,a2)");
    SECTION("even when the other is heard first") {
        CHECK(sweep.finished(1, 0, 2, kLostTeam) == "drop(w1,s0) end(w2,s0)");
        CHECK(sweep.brain.state(0) == StageState::running);
        CHECK(sweep.finished(2, 0, 2, of_member(failed(FailureClass::config))) == "accept(s0,failed) dismiss(w1) dismiss(w2)");
    }
    SECTION("and the others are told at once") {
        CHECK(sweep.finished(2, 0, 2, of_member(failed(FailureClass::internal))) ==
              "revoke(w1,s0) drop(w2,s0)");
        CHECK(sweep.finished(1, 0, 2, kLostTeam) == "drop(w1,s0) grant(w1+w2,s0,a3)");
        CHECK(sweep.brain.failures(0, FailureClass::internal) == 1);
    }
    SECTION("where nobody was, it counts as trouble with the machine") {
        CHECK(sweep.finished(1, 0, 2, kLostTeam) == "drop(w1,s0) end(w2,s0)");
        CHECK(sweep.finished(2, 0, 2, of_member(kLostTeam)) == "drop(w2,s0)");
        CHECK(sweep.brain.failures(0, FailureClass::io) == 1);
        CHECK(sweep.brain.has_delay(0));
    }
    SECTION("a member that never began is waited for by the others, who are told at once") {
        CHECK(sweep.heard(sweep.brain.on_worker_leaving(WorkerId{2}, 2)).empty());
        Verdict never = of_member(kPreempted);
        never.begun = false;
        CHECK(sweep.finished(2, 0, 2, never) == "revoke(w1,s0) drop(w2,s0) dismiss(w2)");
        CHECK(sweep.finished(1, 0, 2, kLostTeam) == "drop(w1,s0) grant(w1,s0,a3)");
        CHECK_FALSE(sweep.brain.has_delay(0));
    }
    SECTION("a member that leaves takes the others along to its step, and counts against nobody") {
        CHECK(sweep.heard(sweep.brain.on_worker_leaving(WorkerId{2}, 2)).empty());
        CHECK(sweep.finished(2, 0, 2, of_member(kPreempted)) == "drop(w2,s0) end(w1,s0) dismiss(w2)");
        CHECK(sweep.finished(1, 0, 2, kPreempted) == "drop(w1,s0) grant(w1,s0,a3)");
    }
}

TEST_CASE("Teams of those who would be idle: side by side first, what is left over joins, hosts stay together") {
    Sweeping sweep("b1=5 b2=5 b3=5", teams_of(0));
    CHECK(joined_on(sweep, 1, "x") == "grant(w1,s0,a1)");
    CHECK(joined_on(sweep, 2, "y") == "grant(w2,s1,a1)");
    CHECK(joined_on(sweep, 3, "x") == "grant(w3,s2,a1)");
    CHECK(joined_on(sweep, 4, "y").empty());
    CHECK(joined_on(sweep, 5, "y").empty());
    CHECK(sweep.finished(2, 1, 1) == "accept(s1,done)");
    CHECK(sweep.finished(1, 0, 1, kPreempted) == "drop(w1,s0) grant(w2+w4+w5+w1,s0,a2)");  // most of them on y
}

TEST_CASE("A team of a given size waits for workers that have yet to join, and not for ever") {
    CoordinatorPolicy policy = teams_of(2);
    policy.workers = 2;
    Sweeping sweep("b=5", policy);
    CHECK(sweep.joined(1).empty());
    SECTION("they come") { CHECK(sweep.joined(2, 1) == "grant(w1+w2,s0,a1)"); }
    SECTION("they do not come") { CHECK(sweep.wait(1, 16, {1}) == "grant(w1,s0,a1)"); }
}

TEST_CASE("One idle rank is promised to one stage") {
    Sweeping sweep("b1=5 b2=5", teams_of(0));
    for (int worker = 1; worker <= 3; ++worker) sweep.joined(worker);
    const auto beat = [&sweep](int worker, double fraction, double now_s) {
        const auto stage = static_cast<StageIndex>(worker - 1);
        sweep.heard(sweep.brain.on_progress(WorkerId{worker}, stage, Attempt{1}, fraction, now_s));
    };
    sweep.wait(1, 9, {1, 2, 3});
    for (const int worker : {1, 2}) beat(worker, 0.01, 10);
    sweep.wait(11, 109, {1, 2, 3});
    for (const int worker : {1, 2}) beat(worker, 0.1 * worker, 110);
    CHECK(sweep.wait(120, 130, {1, 2, 3}) == "end(w1,s0)");
    CHECK(sweep.finished(1, 0, 1, kPreempted, 131) == "drop(w1,s0) grant(w1+w3,s0,a2)");
}

TEST_CASE("The last long stage goes on with more ranks, from the step that it has come to") {
    Sweeping sweep("b=5", teams_of(0));
    sweep.joined(1);
    sweep.joined(2);
    const auto beat = [&sweep](int worker, double fraction, double now_s) {
        return sweep.heard(sweep.brain.on_progress(WorkerId{worker}, 0, Attempt{1}, fraction, now_s));
    };
    sweep.wait(1, 9, {1, 2});
    beat(1, 0.01, 10);
    sweep.wait(11, 119, {1, 2});
    SECTION("a long one") {
        beat(1, 0.11, 110);
        CHECK(sweep.wait(120, 121, {1, 2}) == "end(w1,s0)");
        CHECK(sweep.wait(122, 125, {1, 2}).empty());  // asked once
        CHECK(sweep.finished(1, 0, 1, kPreempted, 126) == "drop(w1,s0) grant(w1+w2,s0,a2)");
    }
    SECTION("not one that is nearly done") {
        beat(1, 0.9, 110);
        CHECK(sweep.wait(120, 125, {1, 2}).empty());
    }
}
