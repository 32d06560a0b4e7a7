#pragma once
#include "export/exported_network.hpp"
#include "model/network.hpp"

namespace fairsweep {

/// The plain numbers of a network whose ranges are frozen. Throws an internal Error naming the layer when its codes do not
/// give back, bit for bit, the weight that its forward pass uses, or when a range was never calibrated.
[[nodiscard]] ExportedNetwork export_description(Network& network);

}  // namespace fairsweep
