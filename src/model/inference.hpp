#pragma once
/// A network that only embeds.
#include "model/network.hpp"

namespace fairsweep {

/// Some weight or activation has a quantiser.
[[nodiscard]] bool is_quantised(Network& network);

/// Puts the network into eval mode for good and computes once what every batch would compute again: weights in their layout and
/// type, and, in a network without quantisers, weights that have absorbed the BatchNorm behind them. Embeddings change by
/// rounding only where BatchNorm was absorbed (float32: about 1e-6 of their length), and not at all elsewhere. Training, loading
/// a state and setting quantisers afterwards do not reach what was computed here: a network made ready refuses train mode; call
/// this again after anything else. `precision` as for set_precision(). Throws a usage Error for bf16 with
/// quantisers: bfloat16 has 8 significant bits and rounds the codes of the grid that it is asked to simulate.
void prepare_for_inference(Network& network, Precision precision);

}  // namespace fairsweep
