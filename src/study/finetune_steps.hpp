#pragma once
/// The steps of a fine-tune that change the network: pruning and quantising, when the plan says so.
#include "model/network.hpp"
#include "study/finetune_plan.hpp"

namespace fairsweep {

/// What the plan has before this step: masks that appear or grow, quantisers that appear, ranges that are learnt or frozen.
/// True when quantisers appeared: the network's parameters may have changed in number or meaning, so that the optimiser has
/// to start anew.
[[nodiscard]] bool prepare_step(Network& network, const StageParameters& parameters, const FinetunePlan& plan, std::int64_t step);

}  // namespace fairsweep
