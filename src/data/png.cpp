#include "data/png.hpp"

#include <fmt/format.h>
#include <png.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "data/jpeg.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {

bool is_png(std::span<const std::byte> encoded) {
    static constexpr std::array<std::uint8_t, 8> kSignature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    return encoded.size() >= kSignature.size() && std::memcmp(encoded.data(), kSignature.data(), kSignature.size()) == 0;
}

void check_image_size(long long rows, long long cols, const std::string& where) {
    if (rows > 0 && cols > 0 && rows <= kMaxImageSide && cols <= kMaxImageSide) return;
    throw_data({.attempted = "cannot decode an image",
                .where = where,
                .found = fmt::format("{} x {} pixels", cols, rows),
                .expected = fmt::format("1 to {} pixels per side", kMaxImageSide),
                .hint = {}});
}

Image decode_png(std::span<const std::byte> encoded, const std::string& where) {
    png_image png{};
    png.version = PNG_IMAGE_VERSION;
    const auto failed = [&png, &where] {
        const std::string message = png.message;
        png_image_free(&png);
        throw_data({.attempted = "cannot decode a PNG", .where = where, .found = message, .expected = {}, .hint = {}});
    };
    if (png_image_begin_read_from_memory(&png, encoded.data(), encoded.size()) == 0) failed();
    if (png.width > kMaxImageSide || png.height > kMaxImageSide) {
        const long long rows = png.height;
        const long long cols = png.width;
        png_image_free(&png);
        check_image_size(rows, cols, where);
    }
    png.format = PNG_FORMAT_RGB;
    Image image{.rows = static_cast<int>(png.height), .cols = static_cast<int>(png.width), .pixels = {}};
    try {
        image.pixels.resize(std::size_t{3} * png.height * png.width);
    } catch (...) {
        png_image_free(&png);
        throw;
    }
    const png_color black{0, 0, 0};
    if (png_image_finish_read(&png, &black, image.pixels.data(), 0, nullptr) == 0) failed();
    // libpng calls some damage (a wrong checksum in an ancillary chunk) a warning: the pixels are whole then.
    png_image_free(&png);
    return image;
}

}  // namespace fairsweep
