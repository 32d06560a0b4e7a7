#pragma once
/// What a network costs, counted on the network itself, so also after channels were removed.
#include <cstdint>
#include <string>
#include <vector>

#include "model/network.hpp"

namespace fairsweep {

struct ModuleCost {
    std::string name;             ///< top-level module: "conv1", "layer3", "output_layer"
    std::int64_t parameters = 0;  ///< all, frozen ones included
    std::int64_t macs = 0;        ///< multiply-accumulates for one image: convolutions and linear layers
};

struct NetworkCost {
    std::vector<ModuleCost> modules;  ///< top-level modules with parameters, in order
    std::int64_t parameters = 0;
    std::int64_t macs = 0;
    std::int64_t quantised = 0;  ///< weights of convolutions and linear layers: what quantisation and pruning touch
    std::int64_t buffers = 0;    ///< values, BatchNorm's counters included; without masks and ranges
    int convolutions = 0, linears = 0, batch_norms_2d = 0, prelus = 0;
    int activation_points = 0;  ///< where activations may be quantised
};

/// Runs one black image in eval mode with all quantisers of activations detached for the time; nothing of the network
/// changes.
[[nodiscard]] NetworkCost network_cost(Network& network);

}  // namespace fairsweep
