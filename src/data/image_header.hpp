#pragma once
/// What an image's own headers say that its decoder does not tell: the kind of a JPEG's frame, and which way up it is.
/// Bounded: every length is checked against the bytes that are there; damage here is nothing, the decoder meets it.
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "fairsweep/dataset.hpp"

namespace fairsweep {

/// The start-of-frame segment of a JPEG (ITU-T T.81, table B.1).
struct JpegFrame {
    int process = 0;         ///< SOFn: 0, 1, 2 Huffman; 9, 10 arithmetic; 3, 11 lossless; others hierarchical
    int precision_bits = 0;  ///< of one value
    int channels = 0;
};
/// None when there is no whole one before the pixels.
[[nodiscard]] std::optional<JpegFrame> jpeg_frame(std::span<const std::byte> encoded);

/// EXIF's orientation tag, 1 ... 8, of a JPEG (APP1) or PNG (eXIf); 1, upright, when there is none that can be read.
[[nodiscard]] int exif_orientation(std::span<const std::byte> encoded);

/// The picture as orientation 1 ... 8 wants it seen: mirrored, turned by quarters, or both (EXIF 2.3, tag 0x0112).
[[nodiscard]] Image upright(Image image, int orientation);

}  // namespace fairsweep
