#include "store/plan_union.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "plan/recipes.hpp"

namespace fairsweep {
namespace {

std::map<Digest, StageIndex> positions(const Plan& plan) {
    std::map<Digest, StageIndex> positions;
    for (StageIndex i = 0; i < plan.stages.size(); ++i) positions.emplace(plan.stages[i].id, i);
    return positions;
}

std::map<Digest, std::size_t> point_positions(const Plan& plan) {
    std::map<Digest, std::size_t> positions;
    for (std::size_t i = 0; i < plan.points.size(); ++i) positions.emplace(plan.points[i].id, i);
    return positions;
}

/// Stages that more than one point needs, over the whole union.
std::uint64_t count_shared(const Plan& plan) {
    std::vector<std::uint32_t> users(plan.stages.size(), 0);
    for (const Point& point : plan.points) {
        const std::vector<StageIndex> own = measuring_stages(point);
        std::set<StageIndex> reached(own.begin(), own.end());
        for (auto next = reached.rbegin(); next != reached.rend(); ++next) {  // needs have smaller indices
            reached.insert(plan.stages[*next].needs.begin(), plan.stages[*next].needs.end());
        }
        for (const StageIndex stage : reached) ++users[stage];
    }
    return static_cast<std::uint64_t>(std::count_if(users.begin(), users.end(), [](std::uint32_t count) { return count > 1; }));
}

void add_missing(std::vector<StageIndex>& held, const std::vector<StageIndex>& wanted) {
    for (const StageIndex stage : wanted) {
        if (std::find(held.begin(), held.end(), stage) == held.end()) held.push_back(stage);
    }
}

}  // namespace

bool plan_covers(const Plan& held, const Plan& wanted) {
    const auto stages = positions(held);
    const auto points = point_positions(held);
    return std::all_of(wanted.stages.begin(), wanted.stages.end(),
                       [&](const Stage& stage) { return stages.contains(stage.id); }) &&
           std::all_of(wanted.points.begin(), wanted.points.end(), [&](const Point& point) { return points.contains(point.id); });
}

Plan unite_plans(const Plan& held, const Plan& wanted) {
    Plan plan = held;
    auto stages = positions(held);
    const auto points = point_positions(held);
    for (const Stage& stage : wanted.stages) {
        const auto next = static_cast<StageIndex>(plan.stages.size());
        if (!stages.emplace(stage.id, next).second) continue;
        Stage added = stage;
        for (StageIndex& need : added.needs) need = stages.at(wanted.stages[need].id);
        plan.stages.push_back(std::move(added));
    }
    const std::vector<std::size_t> places = unite_axes(plan.axes, wanted.axes);
    const std::vector<std::size_t> held_places = unite_axes(plan.axes, held.axes);
    for (Point& point : plan.points) point.axes = axes_among(plan.axes, held_places, held, point);
    for (const Point& point : wanted.points) {
        std::vector<StageIndex> measurements;
        for (const StageIndex stage : point.measurements) measurements.push_back(stages.at(wanted.stages[stage].id));
        const auto known = points.find(point.id);
        if (known != points.end()) {
            add_missing(plan.points[known->second].measurements, measurements);
            continue;
        }
        Point added = point;
        added.measurements = std::move(measurements);
        added.axes = axes_among(plan.axes, places, wanted, point);
        added.network_stage = stages.at(wanted.stages[point.network_stage].id);
        added.evaluation_stage = stages.at(wanted.stages[point.evaluation_stage].id);
        plan.points.push_back(std::move(added));
    }
    if (wanted.sweep_name != held.sweep_name) plan.sweep_name = held.sweep_name + " + " + wanted.sweep_name;
    for (const auto& [name, data] : wanted.data) plan.data[name] = data;
    plan.seeds = std::max(held.seeds, wanted.seeds);
    plan.removed.insert(plan.removed.end(), wanted.removed.begin(), wanted.removed.end());
    plan.stages_shared = count_shared(plan);
    plan.provisional = held.provisional || wanted.provisional;
    if (wanted.job_text != held.job_text) plan.job_text += "\n# --- added to the store later ---\n" + wanted.job_text;
    plan.code_version = wanted.code_version;
    return plan;
}

}  // namespace fairsweep
