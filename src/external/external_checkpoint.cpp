#include "compress/non_finite_error.hpp"
#include "external/external.hpp"
#include "model/state_fit.hpp"
#include "study/checkpoint.hpp"
#include "study/weights.hpp"

namespace fairsweep {
namespace {

bool is_finite(const Network& network) {
    for (const torch::Tensor& tensor : network.parameters())
        if (!torch::isfinite(tensor).all().item<bool>()) return false;
    return true;
}

/// Our own checkpoints carry their bits and quantisers; weights of others are float32, whatever grid they lie on.
NetworkDescription description_of(const LoadedWeights& loaded, const std::filesystem::path& file) {
    if (loaded.kind == "fairsweep checkpoint") return description_of(SafetensorsFile(file));
    return {.architecture = loaded.architecture, .bits = {}};
}

}  // namespace

StageOutcome keep_checkpoint(const StageContext& context, const std::filesystem::path& result) {
    try {
        const LoadedWeights loaded = load_weights(context.parameters.architecture, result);
        if (!is_finite(*loaded.network)) return diverged_outcome("the program left weights that are NaN or infinite");
        return done_outcome(write_checkpoint(context.own_artefact(), *loaded.network, description_of(loaded, result),
                                             context.metadata("network")));
    } catch (const NonFiniteWeights& error) {
        return diverged_outcome(error.what());
    }
}

}  // namespace fairsweep
