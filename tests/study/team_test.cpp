/// A stage over the ranks of a team, for real: the same bytes as one rank alone leaves, and stops that all agree upon. Every
/// process runs every case, in the same order.
#include <atomic>
#include <filesystem>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "hand_made_plan.hpp"
#include "mpi/mpi_teams.hpp"
#include "mpi_main.hpp"
#include "plan/stage_order.hpp"
#include "study/runner.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::study_test;
namespace fs = std::filesystem;

namespace {

MpiTeams& teams() {
    static MpiTeams instance(session());
    return instance;
}

/// Runs the stage on all ranks; this thread, which may call MPI, moves the team on meanwhile.
StageOutcome run_in_team(StageRunner& runner, const StageOrder& order, StageMonitor monitor) {
    static std::uint64_t number = 0;
    std::vector<int> ranks(static_cast<std::size_t>(session().size()));
    std::iota(ranks.begin(), ranks.end(), 0);
    const std::unique_ptr<Collective> team = teams().make(++number, ranks);
    monitor.team = team.get();
    StageOutcome outcome;
    std::atomic<bool> is_over = false;
    std::thread stage([&] {
        outcome = runner.run(order, monitor);
        is_over = true;
    });
    while (!is_over)
        if (!teams().step()) std::this_thread::yield();
    stage.join();
    return outcome;
}

struct Case {
    std::string preset;
    bool is_compression;
    std::string order = "together", head = "whole";
};

struct TeamWorld {
    explicit TeamWorld(const Case& c) : builder((make_faces(), "faces")) {
        Recipe recipe = small_recipe();
        recipe.preset = c.preset;
        recipe.shards = 4;
        recipe.dropout = 0.4;
        recipe.margin_loss = "elastic-arcface";
        recipe.head = c.head;
        recipe.head_sampling = 0.5;
        if (c.order != "together") {  // the steps of the quantisers are trained from the middle on
            recipe.order = c.order;
            recipe.weight_range = recipe.activation_range = "learned";
        }
        const StageIndex baseline = builder.baseline("mobilefacenet-w16-56", 2, recipe);
        const StageIndex teacher = builder.teacher(baseline, "synthetic", recipe);
        const StageIndex compression =
            builder.compression(baseline, teacher, "synthetic", {.bits = {6, 6}, .sparsity = 0.5}, 2, recipe);
        stage = c.is_compression ? compression : baseline;
        if (session().rank() == 0) {
            const std::vector<StageIndex> needs = c.is_compression ? std::vector{baseline, teacher} : std::vector<StageIndex>{};
            for (const char* folder : {"alone", "team"}) fill_with_done(folder, builder.plan, needs);
        }
        barrier();
    }
    ~TeamWorld() { barrier(); }

    static void make_faces() {
        if (session().rank() == 0) make_small_faces("faces");
        barrier();
    }
    StageOrder order() const { return order_of(builder.plan, stage, std::vector<Digest>(builder.plan.stages.size())); }
    fs::path left_in(const char* folder, const char* suffix) const {
        return fs::path(folder) / (builder.plan.stages[stage].id.hex() + suffix);
    }

    PlanBuilder builder;
    StageIndex stage = 0;
};

}  // namespace

TEST_CASE("a team leaves what one rank leaves, bit for bit, also when it was stopped in between", "[team]") {
    const Case c = GENERATE(Case{"quantface", false}, Case{"quantface", true}, Case{"modern", true},
                            Case{"modern", true, "prune-first"}, Case{"modern", false, "together", "sharded"});
    INFO(c.preset << ", head " << c.head << (c.is_compression ? ", compression" : ", baseline"));
    const TeamWorld w(c);
    const auto runner = make_stage_runner("team");
    Digest expected;
    double loss_last = 0.0;
    if (session().rank() == 0) {
        const StageOutcome alone = make_stage_runner("alone")->run(w.order(), {});
        INFO(alone.message);
        REQUIRE(alone.state == StageState::done);
        expected = alone.artefact;
        loss_last = alone.measured[Metric::loss_last];
    }
    // The last rank alone is asked to stop: all stop, after the same step.
    int steps = 0;
    const bool is_asked = session().rank() == session().size() - 1;
    const StageOutcome stopped =
        run_in_team(*runner, w.order(),
                    {.on_progress = [&steps](double) { ++steps; }, .stop_requested = [&] { return is_asked && steps >= 2; }});
    CHECK(stopped.state == StageState::preempted);
    const std::vector<int> all = gather(steps);
    CHECK(std::vector<int>(all.size(), all.front()) == all);
    CHECK(fs::exists(w.left_in("team", ".resume")));

    const StageOutcome outcome = run_in_team(*runner, w.order(), {});
    INFO(outcome.message);
    REQUIRE(outcome.state == StageState::done);
    barrier();
    if (session().rank() != 0) return;
    CHECK(outcome.artefact == expected);
    CHECK(outcome.measured[Metric::loss_last] == loss_last);
    CHECK_FALSE(fs::exists(w.left_in("team", ".resume")));
}
