#pragma once
/// Schedules of training as pure functions of the step. Steps count from 0.
#include <array>
#include <cstdint>

#include "fairsweep/sweep.hpp"

namespace fairsweep {

/// Learning rate of the baseline at `step` of `steps`: a linear rise over baseline_lr_warmup_fraction of the steps, whose
/// last step has the full rate, and after it
///   cosine: half a cosine towards 0 over the remaining steps;
///   steps: a tenth for every milestone M with M - 1 <= epoch (epochs from 0), as the QuantFace reference has it.
/// `steps` are baseline_epochs epochs of equal length.
[[nodiscard]] double baseline_learning_rate(const Recipe& recipe, std::int64_t step, std::int64_t steps);

/// Learning rate of the fine-tune at `step` of `steps`; an epoch of the calibration set has `steps_per_epoch`.
///   constant: the reference's arm on real images;
///   last-epoch: its arm on synthetic images: a tenth in the last epoch, if there is more than one;
///   cosine: half a cosine towards 0.
[[nodiscard]] double finetune_learning_rate(const Recipe& recipe, std::int64_t step, std::int64_t steps,
                                            std::int64_t steps_per_epoch);

/// Share of the margin, in [0, 1]: a linear rise from 0 over margin_warmup_fraction of the steps, then 1.
[[nodiscard]] double margin_share(const Recipe& recipe, std::int64_t step, std::int64_t steps);

/// BatchNorm keeps its statistics up to date in this number of first steps, of `steps`; they are fixed from then on. All steps
/// under preset "quantface".
[[nodiscard]] std::int64_t batch_norm_live_steps(const Recipe& recipe, std::int64_t steps);

/// Mean of the first and of the last tenth (at least one) of a training's losses.
class LossTrace {
public:
    explicit LossTrace(std::int64_t steps);
    void add(double loss);
    [[nodiscard]] double first() const;  ///< 0 before any step
    [[nodiscard]] double last() const;   ///< mean of the steps of the last tenth so far; 0 before them

    /// Steps seen, sum of the first tenth, sum of the last: for a training that goes on later.
    [[nodiscard]] std::array<double, 3> sums() const { return {static_cast<double>(seen_), first_sum_, last_sum_}; }
    void set_sums(const std::array<double, 3>& sums);

private:
    std::int64_t steps_;
    std::int64_t tenth_;
    std::int64_t seen_ = 0;
    double first_sum_ = 0.0;
    double last_sum_ = 0.0;
};

}  // namespace fairsweep
