#include "study/finetune_steps.hpp"

#include <optional>

#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"

namespace fairsweep {

bool prepare_step(Network& network, const StageParameters& parameters, const FinetunePlan& plan, std::int64_t step) {
    if (const std::optional<double> sparsity = plan.sparsity_at(step))
        prune_by_magnitude(network, *sparsity,
                           pruning_rule(parameters.recipe.sparsity_pattern, parameters.recipe.sparsity_scope));
    if (step == plan.quantise_at) {
        set_quantisers(network, parameters.bits, settings_of(parameters.recipe));
        calibrate_weights(network);
    }
    set_observing(network, plan.observes_at(step));
    return step == plan.quantise_at;
}

}  // namespace fairsweep
