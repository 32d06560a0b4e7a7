#pragma once
#include <cstdint>
#include <span>

#include "fairsweep/dataset.hpp"

namespace fairsweep {

/// Writes `image` resized to size x size into `out` [size, size, 3]. Bilinear with a triangle filter as wide as the
/// reduction (antialiased; what Pillow's BILINEAR computes, to one grey level). A square image of that size is copied.
/// Same bytes on every machine: integer arithmetic. Throws a data error for an empty or non-square image: faces for
/// training are aligned squares, and any silent crop would change what the network sees.
void resize_square(const Image& image, int size, std::span<std::uint8_t> out);

}  // namespace fairsweep
