#pragma once
/// Unstructured magnitude pruning. Prunable: weights of convolutions and linear layers, first and last included. Never
/// pruned: biases, BatchNorm, PReLU slopes, the margin head (none of them is what the reference quantises as weights).
#include <cstdint>
#include <string>
#include <vector>

#include "compress/non_finite_error.hpp"
#include "model/network.hpp"

namespace fairsweep {

/// Zeroes the round(sparsity * prunable) weights of least magnitude over the whole network (ties: earlier layer, lower
/// index) and keeps the masks as buffers "weight_pruned". sparsity in [0, 1); 0 is an exact no-op. A later call starts from
/// the present weights, so zeros stay zero when sparsity grows. Throws a usage Error outside [0, 1), NonFiniteError for NaN
/// weights.
void prune_by_magnitude(torch::nn::Module& network, double sparsity);

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
