#pragma once
/// Fake quantisation of a network, preset "quantface": asymmetric, weights per output channel from the current master
/// weights, PReLU slopes per tensor at the activation width, activations per tensor with running minimum and maximum that
/// start at 0, straight-through gradient without a mask (docs: the reference's formulas and places).
#include <torch/torch.h>

#include <optional>
#include <string>
#include <vector>

#include "fairsweep/sweep.hpp"
#include "compress/non_finite_error.hpp"
#include "compress/quantiser_description.hpp"
#include "model/network.hpp"

namespace fairsweep {

/// Installs quantisers of these widths at the reference's places. Widths 2 ... 16, or 32: nothing is installed there and the
/// network is exactly the plain one. Ranges start at (0, 0), observing. Weight and activation width may differ; slopes and
/// activations follow bits.activation. Replaces what an earlier call installed. Throws a usage Error for other widths.
/// All functions here take a network or any part of one.
void set_bits(torch::nn::Module& network, Bits bits);

/// true: every forward pass, in train or eval mode, widens the ranges (batch size does not matter: minimum and maximum).
/// false: ranges are frozen; a forward pass through a range that was never widened throws an internal Error naming the layer.
/// No-op on a network without activation quantisers.
void set_observing(torch::nn::Module& network, bool observing);

struct ActivationRange {
    std::string name;  ///< of the activation point: "layer1.0.prelu.output"
    float x_min = 0.0F, x_max = 0.0F;
    bool operator==(const ActivationRange&) const = default;
};

/// In order of execution; empty without activation quantisers.
[[nodiscard]] std::vector<ActivationRange> activation_ranges(torch::nn::Module& network);
/// Sets the ranges; names and order must be those of activation_ranges(). For synchronising over shards and ranks:
/// reduce x_min with MIN and x_max with MAX between the forward pass and the next step.
void set_activation_ranges(torch::nn::Module& network, const std::vector<ActivationRange>& ranges);

/// The quantiser of a layer's weight for its present master; nothing where the layer uses the master itself. Throws
/// NonFiniteError for a weight that is NaN or infinite.
[[nodiscard]] std::optional<QuantiserDescription> weight_quantiser(const WeightedLayer& layer);
/// The quantiser at an activation point; nothing where none is attached. Throws an internal Error naming the point when
/// its range was never calibrated.
[[nodiscard]] std::optional<QuantiserDescription> activation_quantiser(const ActivationPoint& point);

/// A forward pass throws NonFiniteError (compress/non_finite_error.hpp) naming the layer when an activation or weight to be
/// quantised is NaN or infinite.

}  // namespace fairsweep
