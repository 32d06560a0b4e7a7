#include "coordinator/stage_graph.hpp"

#include "support/catch.hpp"
#include "world.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

std::vector<StageBefore> before(const std::vector<StageState>& states) {
    std::vector<StageBefore> result;
    for (const StageState state : states) result.push_back({.state = state, .last_attempt = Attempt{1}});
    return result;
}

std::string states_of(const Opening& opening) {
    std::string text;
    for (std::size_t i = 0; i < opening.stages.size(); ++i) {
        text += (i == 0 ? "" : " ") + std::string(name_of(opening.stages[i].state)) + (opening.selected[i] ? "+" : "-");
    }
    return text;
}

constexpr auto done = StageState::done;
constexpr auto failed_state = StageState::failed;
constexpr auto skipped = StageState::skipped;
constexpr auto waiting = StageState::waiting;
constexpr auto preempted = StageState::preempted;

}  // namespace

TEST_CASE("The bottom level is the cost of the longest way to the end") {
    const StageGraph graph = make_stage_graph(world("b=5 t=1<b c=3<b,t e=1<c e2=2<b"));
    CHECK(graph.bottom_level_s == std::vector<double>{10, 5, 4, 1, 2});
    CHECK(graph.dependants[0] == std::vector<StageIndex>{1, 2, 4});
}

TEST_CASE("A resumed run does what is missing and leaves final stages alone") {
    const Plan plan = world("b=1 c=1<b e=1<c b2=1 e2=1<b2");
    CHECK(states_of(open_stages(plan, before({done, preempted, waiting, failed_state, skipped}), {})) ==
          "done+ waiting+ waiting+ failed+ skipped+");
}

TEST_CASE("A skipped stage whose needs are met after all runs") {
    const Plan plan = world("b=1 c=1<b e=1<c");
    CHECK(states_of(open_stages(plan, before({done, skipped, skipped}), {})) == "done+ waiting+ waiting+");
}

TEST_CASE("--only runs the asked-for stages, those skipped because of them, and what they need") {
    const Plan plan = world("p=1 b=1 c=1<b e=1<c,p b2=1 e2=1<b2 b3=1 e3=1<b3");
    const OpeningRequest request{{failed_state}, [](StageIndex) { return true; }};
    CHECK(states_of(open_stages(plan, before({waiting, done, failed_state, skipped, waiting, waiting, StageState::lost, skipped}),
                                request)) == "waiting+ done- waiting+ waiting+ waiting- waiting- lost- skipped-");
}

TEST_CASE("A done stage whose artefact is gone runs again only when open work needs it, through the whole chain") {
    const Plan plan = world("b=1 t=1<b c=1<b,t e=1<c b2=1 e2=1<b2");
    const OpeningRequest request{{}, [](StageIndex) { return false; }};
    CHECK(states_of(open_stages(plan, before({done, done, done, waiting, done, done}), request)) ==
          "waiting+ waiting+ waiting+ waiting+ done+ done+");
}
