#pragma once
/// Fake quantisation of a network. Formulas, places and the two presets: docs/quantisers.md.
#include <torch/torch.h>

#include <optional>
#include <string>
#include <vector>

#include "compress/non_finite_error.hpp"
#include "compress/quantiser_description.hpp"
#include "compress/quantiser_settings.hpp"
#include "fairsweep/sweep.hpp"
#include "model/network.hpp"

namespace fairsweep {

/// Installs quantisers of these widths at the reference's places. Widths 2 ... 16, or 32: nothing is installed there and the
/// network is exactly the plain one. Activation quantisers are observing. Weight and activation width may differ; slopes and
/// activations follow bits.activation. Replaces what an earlier call installed. Throws a usage Error for other widths.
/// All functions here take a network or any part of one; the first convolution and last linear layer are those of that part.
/// Without settings: preset "quantface".
void set_quantisers(torch::nn::Module& network, Bits bits, const QuantiserSettings& settings = {});

/// Sets the weights' stored steps (preset "modern", any weight_range but minmax) from the present weights; before that, or
/// loading a state, a forward pass throws an internal Error naming the layer. No-op on other networks.
void calibrate_weights(torch::nn::Module& network);

/// true: every forward pass, in train or eval mode, observes the activations (batch size does not matter to minima and maxima).
/// false: ranges are frozen; a forward pass through a range that was never calibrated throws an internal Error naming the layer.
/// No-op on a network without activation quantisers.
void set_observing(torch::nn::Module& network, bool observing);

struct ActivationRange {
    std::string name;  ///< of the activation point: "layer1.0.prelu.output"
    float x_min = 0.0F, x_max = 0.0F;
    bool operator==(const ActivationRange&) const = default;
};

/// The ranges in use, in order of execution; empty without activation quantisers. Never calibrated: (+0, 0) under "quantface",
/// (infinity, -infinity) under "modern".
[[nodiscard]] std::vector<ActivationRange> activation_ranges(torch::nn::Module& network);
/// Sets the ranges; names and order must be those of activation_ranges().
void set_activation_ranges(torch::nn::Module& network, const std::vector<ActivationRange>& ranges);

/// The quantiser of a layer's weight for its present master; nothing where the layer uses the master itself. Throws
/// NonFiniteError for a weight that is NaN or infinite.
[[nodiscard]] std::optional<QuantiserDescription> weight_quantiser(const WeightedLayer& layer);
/// The quantiser at an activation point; nothing where none is attached. Throws an internal Error naming the point when
/// its range was never calibrated.
[[nodiscard]] std::optional<QuantiserDescription> activation_quantiser(const ActivationPoint& point);

// Ranges of all activation quantisers as they are merged over the parts of a batch: float32 [quantisers, 2], x_min and x_max, on the
// network's device. Nothing here waits for it.

/// Preset "quantface": the ranges in use, which every pass widens; undefined where there are none.
[[nodiscard]] torch::Tensor widened_ranges(torch::nn::Module& network);
void set_widened_ranges(torch::nn::Module& network, const torch::Tensor& ranges);
/// Preset "modern" holds back what it observes: the ranges observed since the last update, (infinity, -infinity) where nothing
/// was; undefined where there are none.
[[nodiscard]] torch::Tensor observed_ranges(torch::nn::Module& network);
/// Folds what was observed into the ranges in use, by each quantiser's rule. Once a step.
void update_ranges(torch::nn::Module& network);
/// The same with other observed ranges in place of the network's own: those of all shards of a batch, merged.
void fold_ranges(torch::nn::Module& network, const torch::Tensor& observed);

/// The ranges of the same quantisers from several shards or ranks, at least one: the least x_min and the largest x_max of each,
/// which does not depend on order or number. "quantface": merge widened_ranges() and set them (the published code in effect
/// keeps the first one's); "modern": merge observed_ranges() and fold them in.
[[nodiscard]] torch::Tensor merge_ranges(const std::vector<torch::Tensor>& shards);

/// A forward pass throws NonFiniteError (compress/non_finite_error.hpp) naming the layer when an activation, weight or learned
/// step is NaN or infinite. On another device than the processor it leaves word instead: float32 [1], 0 where all was sound; undefined on
/// the processor and without quantisers.
[[nodiscard]] torch::Tensor broken_mark(torch::nn::Module& network);
/// Throws what a pass on the processor would have thrown, of the first quantiser that left word. Waits for the device.
void refuse_broken(torch::nn::Module& network);

}  // namespace fairsweep
