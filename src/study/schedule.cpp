#include "study/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fairsweep {
namespace {

std::int64_t share_of(double fraction, std::int64_t steps) {
    return std::clamp<std::int64_t>(std::llround(fraction * static_cast<double>(steps)), 0, steps);
}

}  // namespace

double baseline_learning_rate(const Recipe& recipe, std::int64_t step, std::int64_t steps) {
    const std::int64_t warm = share_of(recipe.baseline_lr_warmup_fraction, steps);
    if (step < warm) return recipe.baseline_lr * static_cast<double>(step + 1) / static_cast<double>(warm);
    const double done = static_cast<double>(step - warm) / static_cast<double>(std::max<std::int64_t>(1, steps - warm));
    return 0.5 * recipe.baseline_lr * (1.0 + std::cos(std::numbers::pi * done));
}

double baseline_margin_rad(const Recipe& recipe, std::int64_t step, std::int64_t steps) {
    const std::int64_t warm = share_of(recipe.margin_warmup_fraction, steps);
    if (step >= warm) return recipe.margin_rad;
    return recipe.margin_rad * static_cast<double>(step) / static_cast<double>(warm);
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

double LossTrace::first() const {
    const std::int64_t count = std::min(seen_, tenth_);
    return count == 0 ? 0.0 : first_sum_ / static_cast<double>(count);
}

double LossTrace::last() const {
    const std::int64_t count = std::min(seen_ - (steps_ - tenth_), tenth_);
    return count <= 0 ? 0.0 : last_sum_ / static_cast<double>(count);
}

}  // namespace fairsweep
