#include "run/run_watch.hpp"

#include "support/catch.hpp"

using namespace fairsweep;

namespace {

constexpr WatchLimits kLimits{30, 10, 5};

std::optional<LiveStatus> live(const char* state) {
    LiveStatus status;
    status.state = state;
    status.pid = 77;
    status.host = "node1";
    status.workers = {{1, "node1", 78, WorkerState::lost, 20.0, {}, {}, 0, 0, 0},
                      {2, "node1", 79, WorkerState::dismissed, 1.0, {}, {}, 0, 0, 0}};
    return status;
}

/// Looks once a second, with nothing new, and returns the second in which the watch gave up.
double gives_up_at(RunWatch& watch, const std::optional<LiveStatus>& status, double written_s, double from_s) {
    for (double now_s = from_s; now_s < from_s + 1000; now_s += 1) {
        if (watch.look(status, written_s, now_s)) return now_s;
    }
    return -1;
}

}  // namespace

TEST_CASE("Ranks that never come up are given up after the start limit") {
    RunWatch watch(kLimits, 0);
    CHECK(gives_up_at(watch, std::nullopt, 0, 0) == 31);
}

TEST_CASE("A coordinator without a sign of life is given up, one with signs of life never") {
    RunWatch watch(kLimits, 0);
    for (double now_s = 1; now_s < 500; now_s += 1) REQUIRE_FALSE(watch.look(live("running"), now_s, now_s));
    CHECK(gives_up_at(watch, live("running"), 499, 500) == 510);
    const auto reason = watch.look(live("running"), 499, 511);
    REQUIRE(reason);
    CHECK_THAT(*reason, ContainsSubstring("rank 0, process 77 on node1"));
}

TEST_CASE("On a full disk, where only the time of the live file is new, nobody is given up") {
    RunWatch watch(kLimits, 0);
    for (double now_s = 1; now_s < 500; now_s += 1) REQUIRE_FALSE(watch.look(std::nullopt, now_s, now_s));
}

TEST_CASE("mpirun is given up a while after the sweep's end, and the rank it waits for is named") {
    RunWatch watch(kLimits, 0);
    REQUIRE_FALSE(watch.look(live("running"), 1, 1));
    CHECK(gives_up_at(watch, live("ended"), 2, 2) == 8);
    CHECK_THAT(*watch.look(live("ended"), 2, 9), ContainsSubstring("worker 1 (process 78 on node1)"));
}

TEST_CASE("The watcher's own sleep counts against nobody") {
    RunWatch watch(kLimits, 0);
    REQUIRE_FALSE(watch.look(live("running"), 1, 1));
    REQUIRE_FALSE(watch.look(live("running"), 1, 5000));
    CHECK(gives_up_at(watch, live("running"), 1, 5001) == 5011);
}
