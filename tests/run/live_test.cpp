#include "run/live.hpp"

#include <filesystem>

#include "coordinator/eta.hpp"
#include "fairsweep/files.hpp"
#include "support/catch.hpp"
#include "coordinator/world.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

TEST_CASE("The live status comes back as it was written, and is readable while it is replaced") {
    LiveStatus status;
    status.sweep = "demo \"quoted\"";
    status.state = "stopping";
    status.pid = 77;
    status.host = "node1";
    status.started_unix_s = 1700000000.5;
    status.updated_unix_s = 1700000009.5;
    status.attempts = 12;
    status.eta_s = {10.5, 30.25};
    status.points.total = 3;
    status.points.by_state[StageState::done] = 2;
    status.points.by_state[StageState::running] = 1;
    status.stages.total = 9;
    status.workers = {{1, "node1", 78, WorkerState::running, 0.5, sha256("s"), StageKind::compression, 2, 0.25, 7.5},
                      {2, "node2", 79, WorkerState::lost, 20.0, {}, {}, 0, 0, 0}};
    write_live("s.live.json", status);
    const auto back = read_live("s.live.json");
    REQUIRE(back.has_value());
    CHECK(live_to_json(*back) == live_to_json(status));
    CHECK(back->workers[0].stage == sha256("s"));
    CHECK(back->workers[1].state == WorkerState::lost);
    CHECK(back->points.of(StageState::done) == 2);
}

TEST_CASE("Every kind of stage, state of a worker and state of a stage comes back from a live status") {
    for (const StageKind kind : all_of<StageKind>()) {
        LiveStatus status;
        for (const WorkerState state : all_of<WorkerState>())
            status.workers.push_back({1, "node", 2, state, 0.5, sha256("s"), kind, 1, 0.5, 1});
        for (const StageState state : all_of<StageState>()) ++status.stages.by_state[state];
        write_live("kinds.json", status);
        const auto back = read_live("kinds.json");
        INFO(name_of(kind));
        REQUIRE(back.has_value());
        CHECK(live_to_json(*back) == live_to_json(status));
        CHECK(back->workers.front().kind == kind);
    }
}

TEST_CASE("A live status that is missing, torn or foreign is no status") {
    CHECK_FALSE(read_live("absent.json").has_value());
    const std::string text = live_to_json(LiveStatus{});
    for (std::size_t size = 0; size + 2 < text.size(); size += 7) {
        write_file_atomically("torn.json", text.substr(0, size));
        CHECK_FALSE(read_live("torn.json").has_value());
    }
    for (const char* foreign : {"[]", "{}", "{\"version\": 2}", "null", "{\"version\": \"1\"}"}) {
        write_file_atomically("foreign.json", foreign);
        CHECK_FALSE(read_live("foreign.json").has_value());
    }
}

TEST_CASE("What is at work on a store follows from its lock, the live status and the age of both") {
    LiveStatus live;
    live.host = "here";
    live.pid = 7;
    live.silence_s = 60;
    live.updated_unix_s = 1000;
    StoreSight sight;
    sight.host = "here";
    sight.held_since_unix_s = 900;
    sight.now_unix_s = 1001;
    const auto phase = [&](bool alive = true) { return phase_of(live, sight, [alive](std::uint32_t) { return alive; }); };
    const auto no_live = [&] { return phase_of(std::nullopt, sight, [](std::uint32_t) { return true; }); };

    SECTION("a free lock: what a killed run left behind means nothing, a run that is starting does") {
        CHECK(phase() == RunPhase::none);
        CHECK(no_live() == RunPhase::none);
        live.state = "starting";
        CHECK(phase() == RunPhase::starting);
        CHECK(phase(false) == RunPhase::none);  // its parent is dead
        sight.host = "there";
        CHECK(phase(false) == RunPhase::starting);  // nobody can ask from here: until it is too old
        sight.now_unix_s = 1061;
        CHECK(phase(false) == RunPhase::none);
    }
    SECTION("a held lock: running while there are signs of life, silent after") {
        sight.lock = StoreSight::Lock::held;
        CHECK(phase() == RunPhase::running);
        live.state = "stopping";
        CHECK(phase() == RunPhase::stopping);
        sight.now_unix_s = 1061;
        CHECK(phase() == RunPhase::silent);
        sight.live_written_unix_s = 1050;  // the disk is full: only the file's time is new
        CHECK(phase() == RunPhase::stopping);
    }
    SECTION("a lock taken after the live status was written: the next run is starting") {
        sight.lock = StoreSight::Lock::held;
        sight.held_since_unix_s = 1000.5;
        CHECK(phase() == RunPhase::starting);
        CHECK(no_live() == RunPhase::starting);
        sight.now_unix_s = 1061;
        CHECK(phase() == RunPhase::silent);
    }
    SECTION("no locks on this file system: the live status alone") {
        sight.lock = StoreSight::Lock::unknown;
        CHECK(phase() == RunPhase::running);
        CHECK(no_live() == RunPhase::none);
        live.state = "ended";
        CHECK(phase() == RunPhase::none);
        live.state = "running";
        sight.now_unix_s = 1061;
        CHECK(phase() == RunPhase::none);
    }
}

TEST_CASE("The remaining time follows what stages really took, and covers the truth") {
    // Ten stages of cost 1 that take 3 s each: with two workers and four done, 9 s are left.
    const Plan plan = world("c1=1 c2=1 c3=1 c4=1 c5=1 c6=1 c7=1 c8=1 c9=1 c0=1");
    Coordinator brain(plan, opening_of(plan), {});
    EtaModel model;
    static_cast<void>(brain.on_started(0));
    CHECK_FALSE(model.estimate(plan, brain).has_value());
    static_cast<void>(brain.on_worker_joined(WorkerId{1}, "host", 0));
    static_cast<void>(brain.on_worker_joined(WorkerId{2}, "host", 0));
    for (int i = 0; i < 4; ++i) {
        const WorkerView view = brain.workers().at(WorkerId{1 + i % 2});
        static_cast<void>(brain.on_stage_finished(WorkerId{1 + i % 2}, view.stage, view.attempt, kDone, 3.0 * (1 + i / 2)));
        model.on_finished(plan.stages[view.stage].kind, 1.0, 3.0);
    }
    const auto eta = model.estimate(plan, brain);
    REQUIRE(eta.has_value());
    CHECK(eta->first < 9.0);
    CHECK(eta->second > 9.0);
    CHECK(eta->first > 4.5);
    CHECK(eta->second < 18.0);
}

TEST_CASE("A chain bounds the remaining time from below, however many workers there are") {
    const Plan plan = world("b=10 c=10<b e=10<c p=1");
    Coordinator brain(plan, opening_of(plan), {});
    static_cast<void>(brain.on_started(0));
    for (int worker = 1; worker <= 8; ++worker) static_cast<void>(brain.on_worker_joined(WorkerId{worker}, "host", 0));
    EtaModel model;
    model.on_finished(StageKind::prepare, 1, 1);
    const auto eta = model.estimate(plan, brain);
    REQUIRE(eta.has_value());
    CHECK(std::sqrt(eta->first * eta->second) == Approx(30.0).epsilon(0.01));
}
