#pragma once
/// Inside the model room: the two families, with weights not yet drawn.
#include <memory>

#include "model/network.hpp"

namespace fairsweep {

[[nodiscard]] std::shared_ptr<Network> build_iresnet(const Architecture& architecture);
[[nodiscard]] std::shared_ptr<Network> build_mobilefacenet(const Architecture& architecture);

/// The side of a feature map after a 3x3 convolution with padding 1 and stride 2.
[[nodiscard]] constexpr int halved(int side) { return (side + 1) / 2; }

}  // namespace fairsweep
