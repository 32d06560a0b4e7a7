/// A stage on several pretended GPUs, over the double of NCCL: the bits of one processor, also where it was stopped in between. Ranks are
/// threads of this process.
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "../collective/thread_messages.hpp"
#include "device_chain.hpp"

using namespace fairsweep;
using namespace fairsweep::study_test;

namespace {

using Monitors = std::vector<StageMonitor>;

/// Runs the stage on as many ranks as there are monitors.
std::vector<StageOutcome> run_in_team(const Chain& chain, const std::string& folder, StageIndex stage, const Monitors& monitors) {
    return contract::on_ranks(static_cast<int>(monitors.size()), [&](int rank, Collective& team) {
        StageMonitor monitor = monitors[static_cast<std::size_t>(rank)];
        monitor.team = &team;
        return make_stage_runner(folder)->run(order_of(chain.builder.plan, stage, chain.digests), monitor);
    });
}

}  // namespace

TEST_CASE("A team of GPUs leaves the bits of one processor", "[team]") {
    ::setenv("FAIRSWEEP_PRETENDED_OPEN", "1", 1);
    ::setenv("FAIRSWEEP_NCCL", FAIRSWEEP_PRETENDED_GPU, 1);
    use_pretended_gpu();
    make_small_faces("faces");
    Recipe recipe = recipe_of(GENERATE(std::string("quantface"), std::string("modern")), 4);
    INFO(recipe.preset);
    recipe.head = recipe.preset == "modern" ? "sharded" : "whole";
    const PlanBuilder::Arm arm{.bits = {6, 6}, .sparsity = 0.5};
    Chain alone("cpu", recipe, arm, "mobilefacenet-w16-56");
    const auto processor = make_stage_runner("alone");
    for (const StageIndex stage : {alone.baseline, alone.teacher, alone.compression}) REQUIRE(alone.run(*processor, stage).state == StageState::done);
    for (const std::size_t size : {2U, 4U}) {
        INFO(size << " ranks");
        const std::string folder = recipe.preset + std::to_string(size);
        Chain team("cuda", recipe, arm, "mobilefacenet-w16-56");
        const auto check = [&](StageIndex stage, StageIndex expected) {
            // The last rank alone is asked to stop: all stop, after the same step.
            std::vector<int> steps(size, 0);
            Monitors monitors(size);
            for (std::size_t rank = 0; rank < size; ++rank)
                monitors[rank] = {.on_progress = [&steps, rank](double) { ++steps[rank]; },
                                  .stop_requested = [&steps, rank, size] { return rank + 1 == size && steps[rank] >= 2; }};
            for (const StageOutcome& stopped : run_in_team(team, folder, stage, monitors)) {
                INFO(stopped.message);
                REQUIRE(stopped.state == StageState::preempted);
            }
            CHECK(std::vector<int>(size, steps.front()) == steps);
            const std::vector<StageOutcome> outcomes = run_in_team(team, folder, stage, Monitors(size));
            for (const StageOutcome& outcome : outcomes) {
                INFO(outcome.message);
                REQUIRE(outcome.state == StageState::done);
            }
            team.digests[stage] = outcomes.front().artefact;
            check_same_tensors(alone.artefact("alone", expected), team.artefact(folder, stage));
        };
        check(team.baseline, alone.baseline);
        REQUIRE(team.run(*make_stage_runner(folder), team.teacher).state == StageState::done);
        check(team.compression, alone.compression);
    }
}
