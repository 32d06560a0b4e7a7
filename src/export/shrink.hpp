#pragma once
#include <vector>

#include "compress/channel_pruning.hpp"
#include "export/exported_network.hpp"

namespace fairsweep {

/// The description of the smaller network that is left when channels that are masked whole are cut out. Codes and ranges stay as
/// they are, so it computes what the masked network computes up to the order of sums, quantised or not. `network` describes the
/// network that `kept` was taken from.
[[nodiscard]] ExportedNetwork shrink(ExportedNetwork network, const std::vector<KeptChannels>& kept);

/// Some group lost a channel.
[[nodiscard]] bool can_shrink(const std::vector<KeptChannels>& kept);

}  // namespace fairsweep
