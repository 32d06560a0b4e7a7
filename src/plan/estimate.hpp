#pragma once
/// Time and disk of a plan, as ranges and round figures for people; a run learns real times.
#include <cstdint>
#include <vector>

#include "fairsweep/plan.hpp"

namespace fairsweep {

struct PlanEstimate {
    double cost_s = 0.0;  ///< core seconds of the stages that are not done
    double eta_low_s = 0.0;
    double eta_high_s = 0.0;
    PerEnum<StageKind, double> cost_s_of_kind{};  ///< what cost_s is made of
    std::uint64_t disk_bytes = 0;                 ///< artefacts, shards and rows of the whole plan, done stages included
};

/// What is common to all numbers of workers is found once.
class PlanEstimator {
public:
    /// `is_done` has one entry per stage, or none when nothing is done. `plan` must outlive this.
    PlanEstimator(const Plan& plan, const std::vector<bool>& is_done);
    /// `workers` >= 1 run one stage each. The ETA is the larger of work / workers and the longest chain, whose stages have the teams
    /// that they may have, times a range for the cost model's error.
    [[nodiscard]] PlanEstimate with(int workers);

private:
    [[nodiscard]] double longest_chain_s(int workers);
    const Plan& plan_;
    std::vector<double> cost_s_;
    std::vector<int> most_ranks_;  ///< of a stage's team; filled when first needed
    PlanEstimate total_;
    double longest_alone_s_ = 0.0;
};

/// The same for one number of workers.
[[nodiscard]] PlanEstimate estimate(const Plan& plan, const std::vector<bool>& is_done, int workers);

}  // namespace fairsweep
