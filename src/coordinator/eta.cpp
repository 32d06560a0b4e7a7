#include "coordinator/eta.hpp"

#include <algorithm>
#include <cmath>

namespace fairsweep {
namespace {

constexpr double kLeastTime_s = 1e-3;
/// Until several stages have shown otherwise, a guess is taken to be off by a factor of two either way.
constexpr double kPriorScatter = 0.7;
constexpr double kPriorWeight = 2.0;
/// About 80 % of a normal distribution lies within this many standard deviations.
constexpr double kRangeWidth = 1.28;

void add(double& count, double& mean, double& squares, double value) {
    count += 1;
    const double step = value - mean;
    mean += step / count;
    squares += step * (value - mean);
}

}  // namespace

void EtaModel::on_finished(StageKind kind, double cost_s, double wall_s) {
    if (!std::isfinite(cost_s) || !std::isfinite(wall_s)) return;
    const double ratio = std::log(std::max(wall_s, kLeastTime_s) / std::max(cost_s, kLeastTime_s));
    Ratio& own = ratios_[kind];
    add(own.count, own.mean, own.squares, ratio);
    add(all_.count, all_.mean, all_.squares, ratio);
}

double EtaModel::factor(StageKind kind) const {
    const Ratio& own = ratios_[kind];
    return std::exp(own.count > 0 ? own.mean : all_.mean);
}

double EtaModel::scatter() const {
    double squares = 0;
    double count = 0;
    for (const Ratio& ratio : ratios_) {
        squares += ratio.squares;
        count += std::max(ratio.count - 1, 0.0);
    }
    return std::sqrt((squares + kPriorWeight * kPriorScatter * kPriorScatter) / (count + kPriorWeight));
}

std::optional<std::pair<double, double>> EtaModel::estimate(const Plan& plan, const Coordinator& coordinator) const {
    const std::size_t workers = coordinator.workers_in_service();
    if (all_.count == 0 || workers == 0) return std::nullopt;
    std::vector<double> left_s(plan.stages.size(), 0.0);
    for (StageIndex stage = 0; stage < plan.stages.size(); ++stage) {
        if (coordinator.is_selected(stage) && !is_final(coordinator.state(stage))) {
            left_s[stage] = plan.stages[stage].cost_s * factor(plan.stages[stage].kind);
        }
    }
    for (const auto& [id, worker] : coordinator.workers()) {
        if (worker.state == WorkerState::running) left_s[worker.stage] *= 1.0 - worker.fraction;
    }
    double work_s = 0;
    double chain_s = 0;
    double count = 0;
    std::vector<double> chain_here_s(plan.stages.size(), 0.0);
    for (StageIndex stage = 0; stage < plan.stages.size(); ++stage) {
        double before_s = 0;
        for (const StageIndex need : plan.stages[stage].needs) before_s = std::max(before_s, chain_here_s[need]);
        chain_here_s[stage] = before_s + left_s[stage];
        chain_s = std::max(chain_s, chain_here_s[stage]);
        work_s += left_s[stage];
        if (left_s[stage] > 0) count += 1;
    }
    const double middle_s = std::max(work_s / static_cast<double>(workers), chain_s);
    // Errors of single stages average out over many; the error of the model itself (a tenth) does not.
    const double width = kRangeWidth * scatter() / std::sqrt(std::max(count, 1.0)) + 0.1;
    return std::pair{middle_s * std::exp(-width), middle_s * std::exp(width)};
}

}  // namespace fairsweep
