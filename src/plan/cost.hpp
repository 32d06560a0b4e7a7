#pragma once
/// What networks and their training cost on one core of a present-day server without a GPU: rough on purpose, for ordering stages
/// and for an ETA as a range; a run learns real times. Time per image = overhead + MACs * time per MAC, with both constants per
/// family, since small networks are bound by memory and calls and depthwise convolutions by memory.
///
/// Calibrated on (images/s, training / evaluation): iresnet10-w16-56 644 / 3733, mobilefacenet-w16-56 552 / 4390,
/// iresnet18 at 112 about 6 in training. Quantisation costs a fifth more in training (541 against 644).
#include <cstdint>
#include <string>

#include "words/architecture.hpp"

namespace fairsweep {

struct NetworkSize {
    NetworkFamily family{};
    double macs = 0;     ///< multiply-accumulates of one forward pass, convolutions and linear layers
    double weights = 0;  ///< their parameters: what quantisation and pruning touch
    int embedding_size = 0;
};

/// By formula from the name; exact for the full-size members. Throws a usage error for an unknown name.
[[nodiscard]] NetworkSize network_size(const std::string& architecture);

/// Images of a training, calibration or test set that is not there: the published size for well-known names, else a guess.
[[nodiscard]] std::uint64_t assumed_images(const std::string& data_name, bool is_evaluation);

/// Seconds of one image in a training step on one core.
[[nodiscard]] double training_image_s(const std::string& architecture);

}  // namespace fairsweep
