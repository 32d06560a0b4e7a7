#include "plan/point_state.hpp"

#include <algorithm>
#include <map>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

bool ended_badly(StageState state) {
    return state == StageState::diverged || state == StageState::failed || state == StageState::lost ||
           state == StageState::quarantined;
}

/// `stages`: of the network, then of what measures it. What is done needs no network any more.
StageState state_of(std::span<const StageState> stages, bool need_blocked) {
    const auto is = [](StageState wanted) { return [wanted](StageState state) { return state == wanted; }; };
    if (std::all_of(stages.begin() + 1, stages.end(), is(StageState::done))) return StageState::done;
    if (std::any_of(stages.begin(), stages.end(), is(StageState::running))) return StageState::running;
    const auto bad = std::find_if(stages.begin(), stages.end(), ended_badly);
    if (bad != stages.end()) return *bad;
    if (std::any_of(stages.begin(), stages.end(), is(StageState::preempted))) return StageState::preempted;
    if (need_blocked || std::any_of(stages.begin(), stages.end(), is(StageState::skipped))) return StageState::skipped;
    return StageState::waiting;
}

}  // namespace

std::vector<StageIndex> measuring_stages(const Point& point) {
    std::vector<StageIndex> stages{point.evaluation_stage};
    stages.insert(stages.end(), point.measurements.begin(), point.measurements.end());
    return stages;
}

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
    std::vector<StageState> own;
    for (const Point& point : plan.points) {
        own.assign(1, states[point.network_stage]);
        bool need_blocked = false;
        const auto add = [&](StageIndex stage) {
            own.push_back(states[stage]);
            need_blocked = need_blocked || blocked[stage];
        };
        add(point.evaluation_stage);
        for (const StageIndex stage : point.measurements) add(stage);
        points.push_back(state_of(own, need_blocked));
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
