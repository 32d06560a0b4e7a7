#include "study/finetune_plan.hpp"

#include <algorithm>
#include <cmath>

namespace fairsweep {
namespace {

constexpr double kGrowingShare = 0.6;
constexpr std::int64_t kMostUpdates = 100;

}  // namespace

double cubic_sparsity(double final_sparsity, double done) {
    const double left = 1.0 - std::clamp(done, 0.0, 1.0);
    return final_sparsity * (1.0 - left * left * left);
}

FinetunePlan plan_finetune(const StageParameters& parameters) {
    const Recipe& recipe = parameters.recipe;
    const bool quantises = !parameters.bits.is_float(), prunes = parameters.sparsity > 0.0;
    const bool splits = quantises && prunes && recipe.order != "together";
    const std::int64_t half = recipe.finetune_steps / 2;
    FinetunePlan plan;
    plan.steps = recipe.finetune_steps;
    plan.sparsity = parameters.sparsity;
    plan.quantise_at = !quantises ? plan.steps : splits && recipe.order == "prune-first" ? half : 0;
    plan.observe_until = std::min(plan.steps, plan.quantise_at + recipe.observer_steps);
    plan.prune_at = !prunes ? plan.steps : splits && recipe.order == "quantise-first" ? half : 0;
    if (!prunes || recipe.sparsity_schedule == "one-shot") return plan;
    const std::int64_t end = splits && recipe.order == "prune-first" ? half : plan.steps;
    const auto growing = static_cast<std::int64_t>(std::floor(kGrowingShare * static_cast<double>(end - plan.prune_at)));
    plan.prune_interval = std::max<std::int64_t>(1, (growing + kMostUpdates - 1) / kMostUpdates);
    plan.prune_updates = growing / plan.prune_interval;
    return plan;
}

std::optional<double> FinetunePlan::sparsity_at(std::int64_t step) const {
    if (sparsity == 0.0 || step < prune_at) return std::nullopt;
    const std::int64_t since = step - prune_at;
    if (prune_updates == 0) return since == 0 ? std::optional(sparsity) : std::nullopt;
    const std::int64_t update = since / prune_interval;
    if (since % prune_interval != 0 || update == 0 || update > prune_updates) return std::nullopt;
    return cubic_sparsity(sparsity, static_cast<double>(update) / static_cast<double>(prune_updates));
}

}  // namespace fairsweep
