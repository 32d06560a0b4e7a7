#include "study/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fairsweep {
namespace {

std::int64_t share_of(double fraction, std::int64_t steps) {
    return std::clamp<std::int64_t>(std::llround(fraction * static_cast<double>(steps)), 0, steps);
}

/// 1 at step 0, towards 0 at `steps`.
double half_cosine(std::int64_t step, std::int64_t steps) {
    const double done = static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, steps));
    return 0.5 * (1.0 + std::cos(std::numbers::pi * done));
}

}  // namespace

double baseline_learning_rate(const Recipe& recipe, std::int64_t step, std::int64_t steps) {
    const std::int64_t warm = share_of(recipe.baseline_lr_warmup_fraction, steps);
    if (step < warm) return recipe.baseline_lr * static_cast<double>(step + 1) / static_cast<double>(warm);
    if (recipe.baseline_schedule == "cosine") return recipe.baseline_lr * half_cosine(step - warm, steps - warm);
    const std::int64_t epoch = step * recipe.baseline_epochs / steps;
    const auto passed = std::count_if(recipe.baseline_milestones.begin(), recipe.baseline_milestones.end(),
                                      [epoch](int milestone) { return milestone - 1 <= epoch; });
    return recipe.baseline_lr * std::pow(0.1, static_cast<double>(passed));
}

double finetune_learning_rate(const Recipe& recipe, std::int64_t step, std::int64_t steps, std::int64_t steps_per_epoch) {
    if (recipe.finetune_schedule == "cosine") return recipe.finetune_lr * half_cosine(step, steps);
    const std::int64_t last_epoch = (steps - 1) / steps_per_epoch;
    const bool decays = recipe.finetune_schedule == "last-epoch" && last_epoch > 0 && step / steps_per_epoch == last_epoch;
    return decays ? 0.1 * recipe.finetune_lr : recipe.finetune_lr;
}

double margin_share(const Recipe& recipe, std::int64_t step, std::int64_t steps) {
    const std::int64_t warm = share_of(recipe.margin_warmup_fraction, steps);
    return step >= warm ? 1.0 : static_cast<double>(step) / static_cast<double>(warm);
}

std::int64_t batch_norm_live_steps(const Recipe& recipe, std::int64_t steps) {
    if (recipe.preset != "modern" || recipe.batch_norm == "live") return steps;
    return recipe.batch_norm == "folded" ? 0 : share_of(recipe.batch_norm_live_fraction, steps);
}

LossTrace::LossTrace(std::int64_t steps) : steps_(steps), tenth_(std::max<std::int64_t>(1, steps / 10)) {}

void LossTrace::add(double loss) {
    if (seen_ < tenth_) first_sum_ += loss;
    if (seen_ >= steps_ - tenth_) last_sum_ += loss;
    ++seen_;
}

void LossTrace::set_sums(const std::array<double, 3>& sums) {
    seen_ = static_cast<std::int64_t>(sums[0]);
    first_sum_ = sums[1];
    last_sum_ = sums[2];
}

double LossTrace::first() const {
    const std::int64_t count = std::min(seen_, tenth_);
    return count == 0 ? 0.0 : first_sum_ / static_cast<double>(count);
}

double LossTrace::last() const {
    const std::int64_t count = std::min(seen_ - (steps_ - tenth_), tenth_);
    return count <= 0 ? 0.0 : last_sum_ / static_cast<double>(count);
}

}  // namespace fairsweep
