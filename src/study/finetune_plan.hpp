#pragma once
/// What happens before which step of a fine-tune: when masks are set, when quantisers, when ranges are learnt. Pure
/// functions of the parameters. Steps count from 0. No torch here.
#include <cstdint>
#include <optional>

#include "fairsweep/stage_parameters.hpp"

namespace fairsweep {

/// Sparsity of a gradual schedule (Zhu and Gupta, arXiv 1710.01878, eq. 1 from 0): final * (1 - (1 - done)^3), done in
/// [0, 1].
[[nodiscard]] double cubic_sparsity(double final_sparsity, double done);

/// Where a network is both pruned and quantised, the recipe's order decides:
///   together: both from step 0;
///   prune-first: pruned and recovered in float in the first half of the steps, quantised with the frozen mask from half on;
///   quantise-first: the other way.
/// Otherwise what there is begins at step 0. Masks are set once at the beginning of their part (one-shot), or grow along
/// cubic_sparsity() over the first 60 % of its steps, in at most 100 equal steps.
struct FinetunePlan {
    std::int64_t steps = 0;
    std::int64_t quantise_at = 0;    ///< `steps` for a float network
    std::int64_t observe_until = 0;  ///< ranges are learnt in steps quantise_at ... observe_until - 1
    std::int64_t prune_at = 0;       ///< `steps` for a network that is not pruned
    std::int64_t prune_interval = 1;
    std::int64_t prune_updates = 0;  ///< masks grow at prune_at + i * prune_interval, i = 1 ... prune_updates; 0: one shot
    double sparsity = 0.0;

    [[nodiscard]] bool observes_at(std::int64_t step) const { return step >= quantise_at && step < observe_until; }
    /// The sparsity of the mask to set before this step; nothing where the mask stays.
    [[nodiscard]] std::optional<double> sparsity_at(std::int64_t step) const;
};

[[nodiscard]] FinetunePlan plan_finetune(const StageParameters& parameters);

}  // namespace fairsweep
