#pragma once
/// Structured pruning: whole channels, over all layers that a residual sum couples (compress/channel_groups.hpp).
#include <cstdint>
#include <memory>
#include <vector>

#include "compress/channel_groups.hpp"
#include "model/network.hpp"

namespace fairsweep {

/// Masks the weakest channels: all weights that give or take them. A channel's strength is the root mean square of its
/// weights in the whole group. per_layer: round(share * channels) of every group; otherwise strengths are divided by their
/// group's mean and ranked over the network. Every group keeps a channel. What was masked stays masked when `share` grows.
/// Sets the masks only (compress/pruning.hpp applies them); share in [0, 1).
void mask_channels(Network& network, double share, bool per_layer);

/// The channels of a group that are not masked whole, ascending.
struct KeptChannels {
    ChannelGroup group;
    std::vector<std::int64_t> kept;
};
[[nodiscard]] std::vector<KeptChannels> kept_channels(Network& network);

/// A smaller network that computes what the masked one computes (up to rounding): channels whose weights are all masked are
/// cut out. They reach no other layer, because every weight that takes them is zero. Has no masks, mode and gradients of a
/// new network. Throws a usage Error when the network is quantised: shrink first, then set_quantisers (ranges of whole output
/// channels change with the zeros that leave; export/shrink.hpp keeps them as they are).
[[nodiscard]] std::shared_ptr<Network> shrink_channels(Network& network);

}  // namespace fairsweep
