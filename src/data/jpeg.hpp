#pragma once
/// Encoded images to pixels and back: JPEG by libjpeg-turbo, PNG by libpng. Bounded: the size that a file claims is
/// checked before memory is taken for it. Safe to call from several threads.
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "fairsweep/dataset.hpp"

namespace fairsweep {

/// Largest side of an image, in pixels, that is decoded.
inline constexpr int kMaxImageSide = 8192;

/// JPEG (grey, RGB) or PNG, told apart by their first bytes, as 8-bit RGB: the pixels that OpenCV's imread gives. PNG values
/// are taken as stored, whatever gAMA, sRGB or iCCP say: the high byte of 16-bit ones, without alpha. The picture is turned
/// upright by its EXIF orientation; the first that is turned is reported as a warning. `where` names the bytes in messages
/// ("train.rec, offset 4096"). Throws a data error when they are neither, of an unsupported kind (CMYK, 12 bits, lossless),
/// damaged, cut off or too large.
[[nodiscard]] Image decode_image(std::span<const std::byte> encoded, const std::string& where);

/// The image in a file of at most 64 MiB. Throws a data error that names the file.
[[nodiscard]] Image read_image(const std::filesystem::path& path);

/// Baseline JPEG, 4:2:0, accurate DCT: the same image and quality (1 .. 100) give the same bytes with the same library.
[[nodiscard]] std::vector<std::byte> encode_jpeg(const Image& image, int quality);

}  // namespace fairsweep
