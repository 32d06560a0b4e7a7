#pragma once
/// Which images of a group are compared: RFW's protocol of ten folds, the first half of each genuine.
#include <cstdint>
#include <vector>

#include "fairsweep/random.hpp"

namespace fairsweep::faces {

inline constexpr std::uint32_t kFolds = 10;

struct Pair {
    std::uint32_t identity_a = 0, image_a = 0, identity_b = 0, image_b = 0;  ///< from 0
    [[nodiscard]] bool genuine() const { return identity_a == identity_b; }
};

/// Fewest images per identity (at least 3) with which `pairs` / 2 different genuine pairs exist.
[[nodiscard]] std::uint32_t images_needed(std::uint32_t identities, std::uint32_t pairs);

/// `pairs` (a multiple of 20) different pairs in file order; genuine ones spread evenly over the identities.
[[nodiscard]] std::vector<Pair> draw_pairs(std::uint32_t identities, std::uint32_t images, std::uint32_t pairs,
                                           RandomStream& stream);

}  // namespace fairsweep::faces
