#include "plan/point_state.hpp"

#include <map>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

bool ended_badly(StageState state) {
    return state == StageState::diverged || state == StageState::failed || state == StageState::lost ||
           state == StageState::quarantined;
}

StageState state_of(StageState network, StageState evaluation, bool need_blocked) {
    if (evaluation == StageState::done) return StageState::done;
    const auto either = [&](StageState state) { return network == state || evaluation == state; };
    if (either(StageState::running)) return StageState::running;
    if (ended_badly(network)) return network;
    if (ended_badly(evaluation)) return evaluation;
    if (either(StageState::preempted)) return StageState::preempted;
    if (either(StageState::skipped) || need_blocked) return StageState::skipped;
    return StageState::waiting;
}

}  // namespace

std::vector<StageState> point_states(const Plan& plan, std::span<const StageState> states) {
    FAIRSWEEP_CHECK(states.size() == plan.stages.size(), "one state per stage");
    std::vector<bool> blocked(plan.stages.size(), false);  // it, or something it needs, ended without success
    for (StageIndex i = 0; i < plan.stages.size(); ++i) {
        blocked[i] = ended_badly(states[i]) || states[i] == StageState::skipped;
        if (states[i] == StageState::done) continue;
        for (const StageIndex need : plan.stages[i].needs) blocked[i] = blocked[i] || blocked[need];
    }
    std::vector<StageState> points;
    points.reserve(plan.points.size());
    for (const Point& point : plan.points) {
        points.push_back(state_of(states[point.network_stage], states[point.evaluation_stage], blocked[point.evaluation_stage]));
    }
    return points;
}

std::vector<StageState> stage_states(const Plan& plan, std::span<const Row> rows) {
    std::map<Digest, StageState> by_id;
    for (const Row& row : rows) by_id[row.stage_id] = row.outcome.state;
    std::vector<StageState> states;
    states.reserve(plan.stages.size());
    for (const Stage& stage : plan.stages) {
        const auto found = by_id.find(stage.id);
        states.push_back(found == by_id.end() ? StageState::waiting : found->second);
    }
    return states;
}

}  // namespace fairsweep
