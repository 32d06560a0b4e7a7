#include "plan/estimate.hpp"

#include <algorithm>
#include <bit>

#include "fairsweep/check.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "plan/cost.hpp"
#include "plan/stage_kinds.hpp"

namespace fairsweep {
namespace {

constexpr double kLow = 0.6;  // the cost model is taken to be right within these factors
constexpr double kHigh = 1.8;
constexpr std::uint64_t kRowBytes = 4096;  // row, journal record and plan entry of a stage

std::uint64_t images_of(const Plan& plan, const Stage& stage) {
    if (stage.data_sets.empty()) return 0;
    const auto data = plan.data.find(stage.data_sets.front());
    return data == plan.data.end() ? 0 : data->second.images;
}

/// Of the set that a stage reads, or that its last need does.
std::uint64_t images_behind(const Plan& plan, const Stage& stage) {
    return stage.data_sets.empty() && !stage.needs.empty() ? images_of(plan, plan.stages[stage.needs.back()])
                                                           : images_of(plan, stage);
}

std::uint64_t artefact_bytes(const Plan& plan, const Stage& stage, const std::string& architecture) {
    return info_of(stage.kind)
        .disk_bytes(network_size(architecture), static_cast<std::uint64_t>(input_size_of(architecture)),
                    images_behind(plan, stage));
}

std::uint64_t disk_bytes(const Plan& plan) {
    std::uint64_t bytes = plan.stages.size() * kRowBytes;
    std::vector<bool> counted(plan.stages.size(), false);
    std::vector<StageIndex> waiting;
    for (const Point& point : plan.points) {
        waiting = measuring_stages(point);
        while (!waiting.empty()) {
            const StageIndex stage = waiting.back();
            waiting.pop_back();
            if (counted[stage]) continue;
            counted[stage] = true;
            bytes += artefact_bytes(plan, plan.stages[stage], point.axes.architecture());
            waiting.insert(waiting.end(), plan.stages[stage].needs.begin(), plan.stages[stage].needs.end());
        }
    }
    return bytes;
}

}  // namespace

PlanEstimator::PlanEstimator(const Plan& plan, const std::vector<bool>& is_done) : plan_(plan) {
    FAIRSWEEP_CHECK(is_done.empty() || is_done.size() == plan.stages.size(), "one entry per stage");
    for (std::size_t i = 0; i < plan.stages.size(); ++i) {
        cost_s_.push_back(!is_done.empty() && is_done[i] ? 0.0 : plan.stages[i].cost_s);
        total_.cost_s += cost_s_.back();
        total_.cost_s_of_kind[plan.stages[i].kind] += cost_s_.back();
    }
    total_.disk_bytes = disk_bytes(plan);
    longest_alone_s_ = longest_chain_s(1);
}

double PlanEstimator::longest_chain_s(int workers) {
    if (workers > 1 && most_ranks_.empty())
        for (const Stage& stage : plan_.stages) most_ranks_.push_back(static_cast<int>(most_ranks(stage)));
    const int asked = plan_.run.team_ranks == 0 ? workers : std::min(workers, static_cast<int>(plan_.run.team_ranks));
    const int largest_team = static_cast<int>(std::bit_floor(static_cast<unsigned>(asked)));
    std::vector<double> end_s(plan_.stages.size(), 0.0);
    for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
        double start = 0;
        for (const StageIndex need : plan_.stages[i].needs) start = std::max(start, end_s[need]);
        end_s[i] = start + cost_s_[i] / (workers > 1 ? std::max(1, std::min(largest_team, most_ranks_[i])) : 1);
    }
    return end_s.empty() ? 0.0 : *std::max_element(end_s.begin(), end_s.end());
}

PlanEstimate PlanEstimator::with(int workers) {
    FAIRSWEEP_CHECK(workers >= 1, "an estimate needs a worker");
    double bound_s = total_.cost_s / workers;
    // Where work is the limit, how many ranks each stage may have is not asked: that reads the parameters of all.
    if (longest_alone_s_ > bound_s) bound_s = std::max(bound_s, longest_chain_s(workers));
    PlanEstimate result = total_;
    result.eta_low_s = kLow * bound_s;
    result.eta_high_s = kHigh * bound_s;
    return result;
}

PlanEstimate estimate(const Plan& plan, const std::vector<bool>& is_done, int workers) {
    return PlanEstimator(plan, is_done).with(workers);
}

}  // namespace fairsweep
