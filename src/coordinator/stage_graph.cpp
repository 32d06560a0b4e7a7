#include "coordinator/stage_graph.hpp"

#include <algorithm>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

bool contains(const std::vector<StageState>& states, StageState state) {
    return std::find(states.begin(), states.end(), state) != states.end();
}

/// Interrupted and asked-for stages wait again, and skipped ones whose needs may now be met.
void reopen_stages(const Plan& plan, Opening& opening, const OpeningRequest& request) {
    for (StageIndex stage = 0; stage < plan.stages.size(); ++stage) {
        StageState& state = opening.stages[stage].state;
        const bool asked = contains(request.only, state);
        if (!is_final(state) || asked) state = StageState::waiting;
        if (state == StageState::skipped) {
            const auto& needs = plan.stages[stage].needs;
            const bool blocked = std::any_of(needs.begin(), needs.end(),
                                             [&](StageIndex need) { return blocks_dependants(opening.stages[need].state); });
            if (!blocked) {
                state = StageState::waiting;
                opening.selected[stage] = true;
            }
        }
        if (request.only.empty() || asked) opening.selected[stage] = true;
    }
}

}  // namespace

bool blocks_dependants(StageState state) { return is_final(state) && state != StageState::done; }

StageGraph make_stage_graph(const Plan& plan) {
    StageGraph graph;
    graph.dependants.resize(plan.stages.size());
    graph.bottom_level_s.resize(plan.stages.size());
    for (StageIndex stage = 0; stage < plan.stages.size(); ++stage) {
        for (const StageIndex need : plan.stages[stage].needs) {
            FAIRSWEEP_CHECK(need < stage, "a plan lists stages in topological order");
            graph.dependants[need].push_back(stage);
        }
    }
    for (std::size_t i = plan.stages.size(); i-- > 0;) {
        double longest_s = 0.0;
        for (const StageIndex dependant : graph.dependants[i]) longest_s = std::max(longest_s, graph.bottom_level_s[dependant]);
        graph.bottom_level_s[i] = plan.stages[i].cost_s + longest_s;
    }
    return graph;
}

Opening open_stages(const Plan& plan, std::vector<StageBefore> before, const OpeningRequest& request) {
    FAIRSWEEP_CHECK(before.size() == plan.stages.size(), "one entry per stage");
    Opening opening{std::move(before), std::vector<bool>(plan.stages.size(), false)};
    reopen_stages(plan, opening, request);
    // From the end to the beginning: what selected work needs is selected too, and done again where its artefact is gone.
    for (StageIndex stage = static_cast<StageIndex>(plan.stages.size()); stage-- > 0;) {
        if (!opening.selected[stage] || opening.stages[stage].state != StageState::waiting) continue;
        for (const StageIndex need : plan.stages[stage].needs) {
            StageState& state = opening.stages[need].state;
            if (state == StageState::done && !request.artefact_present(need)) state = StageState::waiting;
            if (state == StageState::waiting) opening.selected[need] = true;
        }
    }
    return opening;
}

}  // namespace fairsweep
