#pragma once
/// Schedules of training as pure functions of the step. Steps count from 0.
#include <cstdint>

#include "fairsweep/sweep.hpp"

namespace fairsweep {

/// Learning rate of the baseline at `step` of `steps`: a linear rise over baseline_lr_warmup_fraction of the steps, whose
/// last step has the full rate, then half a cosine towards 0.
[[nodiscard]] double baseline_learning_rate(const Recipe& recipe, std::int64_t step, std::int64_t steps);

/// ArcFace margin (rad): a linear rise from 0 over margin_warmup_fraction of the steps, then margin_rad.
[[nodiscard]] double baseline_margin_rad(const Recipe& recipe, std::int64_t step, std::int64_t steps);

/// Activation ranges are learnt in the first observer_steps steps.
[[nodiscard]] inline bool observes_at(const Recipe& recipe, std::int64_t step) { return step < recipe.observer_steps; }

/// BatchNorm keeps its statistics up to date in the first so many of `steps` steps; they are fixed from then on. All steps
/// under preset "quantface".
[[nodiscard]] std::int64_t batch_norm_live_steps(const Recipe& recipe, std::int64_t steps);

/// Mean of the first and of the last tenth (at least one) of a training's losses.
class LossTrace {
public:
    explicit LossTrace(std::int64_t steps);
    void add(double loss);
    [[nodiscard]] double first() const;  ///< 0 before any step
    [[nodiscard]] double last() const;   ///< mean of the steps of the last tenth so far; 0 before them

private:
    std::int64_t steps_;
    std::int64_t tenth_;
    std::int64_t seen_ = 0;
    double first_sum_ = 0.0;
    double last_sum_ = 0.0;
};

}  // namespace fairsweep
