#pragma once
/// PNG to pixels, for decode_image() (data/jpeg.hpp).
#include <cstddef>
#include <span>
#include <string>

#include "fairsweep/dataset.hpp"

namespace fairsweep {

[[nodiscard]] bool is_png(std::span<const std::byte> encoded);
/// As decode_image(), for bytes that are a PNG.
[[nodiscard]] Image decode_png(std::span<const std::byte> encoded, const std::string& where);

/// Throws a data error unless 0 < rows, cols <= kMaxImageSide. To be called before memory is taken.
void check_image_size(long long rows, long long cols, const std::string& where);

}  // namespace fairsweep
