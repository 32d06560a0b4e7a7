#pragma once
/// What becomes of BatchNorm while a quantised network is trained.
#include "model/network.hpp"

namespace fairsweep {

/// Statistics are fixed from now on and used instead of the batch's; weights and biases still train. Until the network's next
/// train().
void freeze_batch_norm(torch::nn::Module& network);

/// Moves the scale of every BatchNorm that directly follows a convolution (Convolution::norm) into the convolution's weights (per
/// output channel, weight / sqrt(running_var + eps)), before they are quantised: what is left of the layer is its shift, which
/// trains on; its weight is 1 and fixed. All other BatchNorms (before a convolution with padding, or of the head) are frozen. The
/// network computes what it computed in eval mode, up to rounding, with the same tensors by name.
void fold_batch_norm(torch::nn::Module& network);

}  // namespace fairsweep
