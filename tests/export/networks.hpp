#pragma once
/// Networks of every kind that is exported: filled with the golden numbers, pruned, calibrated on noise images.
#include <memory>
#include <string>

#include "compress/pruning.hpp"
#include "compress/quantisation.hpp"
#include "support/quantface_golden.hpp"

namespace fairsweep::test {

inline torch::Tensor noise_images(const Network& network, std::int64_t batch, std::uint64_t k) {
    return golden::noise({batch, 3, network.input_size(), network.input_size()}, k);
}

/// In eval mode, ranges frozen.
inline std::shared_ptr<Network> compressed_network(const std::string& architecture, Bits bits, double sparsity = 0.0,
                                                   const QuantiserSettings& settings = {}, const PruningRule& rule = {}) {
    const torch::NoGradGuard no_grad;
    auto network = golden::filled_network(architecture);
    prune_by_magnitude(*network, sparsity, rule);
    set_quantisers(*network, bits, settings);
    calibrate_weights(*network);
    network->eval();
    set_observing(*network, true);
    if (bits.activation != 32) network->forward(noise_images(*network, 8, 21));
    update_ranges(*network);
    set_observing(*network, false);
    return network;
}

inline constexpr PruningRule kChannels{.pattern = PruningRule::Pattern::channels, .per_layer = false};

}  // namespace fairsweep::test
