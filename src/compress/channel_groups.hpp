#pragma once
/// Which channels of a network can only be removed together: a hand-written table for the two families. A residual sum
/// couples the outputs of all blocks of a stage, the projection included; the inside of a block is free.
#include <string>
#include <vector>

#include "model/network.hpp"

namespace fairsweep {

/// The part of a weight that belongs to a group: channel c owns the indices c * values ... (c + 1) * values - 1 of the
/// dimension.
struct ChannelSlice {
    std::string layer;  ///< of weighted_layers(): "layer1.0.conv1"
    int dimension = 0;  ///< 0: the layer gives the channels; 1: it takes them
    int values = 1;     ///< more than 1 where a linear layer takes a map: rows x cols
};

struct ChannelGroup {
    std::string name;  ///< of the layer that gives the channels first
    int channels = 0;
    std::vector<ChannelSlice> slices;
    std::vector<std::string> vectors;  ///< tensors of the state [channels] that go with them: BatchNorm, PReLU slopes
};

/// In order of execution. Embedding dimensions, the image's channels and the inside of SE blocks are in no group.
[[nodiscard]] std::vector<ChannelGroup> channel_groups(Network& network);

}  // namespace fairsweep
