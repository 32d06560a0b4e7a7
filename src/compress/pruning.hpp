#pragma once
/// Magnitude pruning. Prunable: weights of convolutions and linear layers, first and last included. Never
/// pruned: biases, BatchNorm, PReLU slopes, the margin head (none of them is what the reference quantises as weights).
#include <cstdint>
#include <string>
#include <vector>

#include "compress/non_finite_error.hpp"
#include "model/network.hpp"

namespace fairsweep {

struct PruningRule {
    enum class Pattern { unstructured, two_of_four, channels };
    Pattern pattern = Pattern::unstructured;
    bool per_layer = false;  ///< the same share of every layer (channels: of every group), instead of one ranking
};

/// Of a recipe's words: unstructured, 2:4 or channels; global or layer. Throws a usage Error for others.
[[nodiscard]] PruningRule pruning_rule(const std::string& pattern, const std::string& scope);

/// Zeroes weights of least magnitude and keeps the masks as buffers "weight_pruned". sparsity in [0, 1); 0 is an exact no-op.
///   unstructured: the round(sparsity * prunable) smallest over the whole network or of each layer (half to even; ties:
///     earlier layer, lower index);
///   two_of_four: of every four consecutive input channels, at each output channel, row and column, the two smallest
///     (Mishra et al., arXiv 2104.08378). `sparsity` must be 0.5. Layers whose inputs are no multiple of four stay dense:
///     depthwise convolutions and the first one;
///   channels: compress/channel_pruning.hpp; sparsity is the share of the channels. `network` must be a whole Network.
/// A later call starts from the present weights, so zeros stay zero when sparsity grows. Throws a usage Error outside these
/// ranges, NonFiniteError for NaN weights.
void prune_by_magnitude(torch::nn::Module& network, double sparsity, const PruningRule& rule = {});

/// Sets masked weights to exactly zero: after every optimiser step. No-op on a network that was not pruned.
void apply_masks(torch::nn::Module& network);

struct LayerSparsity {
    std::string name;
    std::int64_t zeros = 0, weights = 0;
};
struct Sparsity {
    std::int64_t zeros = 0;       ///< prunable weights that are exactly zero as the network uses them (after fake quantisation)
    std::int64_t prunable = 0;    ///< weights of convolutions and linear layers
    std::int64_t parameters = 0;  ///< all parameters of the network
    std::vector<LayerSparsity> layers;
    [[nodiscard]] double share() const {
        return prunable == 0 ? 0.0 : static_cast<double>(zeros) / static_cast<double>(prunable);
    }
};
/// Counted on the weights as the forward pass uses them: at low widths quantisation adds zeros.
[[nodiscard]] Sparsity measured_sparsity(torch::nn::Module& network);

/// Number of masked weights that are not exactly zero, in the masters or after fake quantisation: must be 0 after every step.
[[nodiscard]] std::int64_t broken_mask_entries(torch::nn::Module& network);

}  // namespace fairsweep
