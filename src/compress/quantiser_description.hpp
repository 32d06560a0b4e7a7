#pragma once
/// What the quantisers of a network do, as plain numbers, whatever preset installed them: for exports and sizes.
#include <optional>
#include <vector>

#include "compress/fake_quant_kernel.hpp"
#include "model/layers.hpp"

namespace fairsweep {

/// code = clamp(rint(scale * x - zero_point), lowest, highest), output = (code + zero_point) / scale, in float32
/// (compress/fake_quant_kernel.hpp). A zero point may lie far outside the codes: where the range excludes zero.
struct QuantiserDescription {
    int bits = 0;
    bool per_channel = false;            ///< one range for each slice of the first dimension; otherwise one range
    std::vector<QuantiserScale> ranges;  ///< [channels] or [1]
};

/// The quantiser of a layer's weight for its present master; nothing where the layer uses the master itself. Throws
/// NonFiniteError for a weight that is NaN or infinite.
[[nodiscard]] std::optional<QuantiserDescription> weight_quantiser(const WeightedLayer& layer);

/// The quantiser at an activation point; nothing where none is attached. Throws an internal Error naming the point when
/// its range was never calibrated.
[[nodiscard]] std::optional<QuantiserDescription> activation_quantiser(const ActivationPoint& point);

}  // namespace fairsweep
