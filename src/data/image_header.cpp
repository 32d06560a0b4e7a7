#include "data/image_header.hpp"

#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

#include "data/png.hpp"

namespace fairsweep {
namespace {

using Bytes = std::span<const std::byte>;

constexpr int kOrientationTag = 0x0112;
constexpr std::size_t kDirectoryEntryBytes = 12;
enum Marker : std::uint8_t { kTem = 0x01, kRst0 = 0xD0, kSoi = 0xD8, kEoi = 0xD9, kSos = 0xDA, kApp1 = 0xE1 };

std::uint32_t byte_at(Bytes bytes, std::size_t at) { return std::to_integer<std::uint32_t>(bytes[at]); }

/// `count` bytes (2 or 4) at `at`, which must be there.
std::uint32_t number_at(Bytes bytes, std::size_t at, std::size_t count, bool little_endian) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | byte_at(bytes, at + (little_endian ? count - 1 - i : i));
    return value;
}

bool starts_with(Bytes bytes, std::string_view text) {
    return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

/// Calls visit(marker, content) for each segment before the pixels until it returns true. Bytes that are no marker are
/// passed over, as libjpeg does.
void visit_segments(Bytes jpeg, const std::function<bool(std::uint8_t, Bytes)>& visit) {
    std::size_t at = 2;  // behind SOI
    while (at + 4 <= jpeg.size()) {
        if (byte_at(jpeg, at) != 0xFF || byte_at(jpeg, at + 1) == 0xFF || byte_at(jpeg, at + 1) == 0) {
            ++at;
            continue;
        }
        const auto marker = static_cast<std::uint8_t>(byte_at(jpeg, at + 1));
        at += 2;
        if (marker == kSos || marker == kEoi) return;
        if (marker == kTem || (marker >= kRst0 && marker <= kSoi)) continue;
        const std::size_t length = number_at(jpeg, at, 2, false);  // counts itself
        if (length < 2 || length > jpeg.size() - at || visit(marker, jpeg.subspan(at + 2, length - 2))) return;
        at += length;
    }
}

bool is_start_of_frame(std::uint8_t marker) {  // 0xC4, 0xC8, 0xCC are tables and an extension
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

/// Of EXIF data, a TIFF header and its first directory; 1 when there is none.
int orientation_of(Bytes tiff) {
    const bool little_endian = starts_with(tiff, {"II*\0", 4});
    if (tiff.size() < 8 || (!little_endian && !starts_with(tiff, {"MM\0*", 4}))) return 1;
    const std::size_t directory = number_at(tiff, 4, 4, little_endian);
    if (directory > tiff.size() - 2) return 1;
    const std::size_t entries = number_at(tiff, directory, 2, little_endian);
    for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t at = directory + 2 + i * kDirectoryEntryBytes;
        if (at + kDirectoryEntryBytes > tiff.size()) return 1;
        if (number_at(tiff, at, 2, little_endian) != kOrientationTag) continue;
        const std::uint32_t type = number_at(tiff, at + 2, 2, little_endian);
        const std::uint32_t value = type == 3   ? number_at(tiff, at + 8, 2, little_endian)  // SHORT, as the standard has it
                                    : type == 4 ? number_at(tiff, at + 8, 4, little_endian)
                                                : 1;
        return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
    return 1;
}

int jpeg_orientation(Bytes jpeg) {
    int orientation = 1;
    visit_segments(jpeg, [&](std::uint8_t marker, Bytes content) {
        if (marker != kApp1 || !starts_with(content, {"Exif\0\0", 6})) return false;
        orientation = orientation_of(content.subspan(6));
        return true;
    });
    return orientation;
}

/// A PNG is chunks of length, name, content and checksum; eXIf may stand before or behind the pixels.
int png_orientation(Bytes png) {
    std::size_t at = 8;
    while (at + 12 <= png.size()) {
        const std::size_t length = number_at(png, at, 4, false);
        if (length > png.size() - at - 12) return 1;
        const Bytes content = png.subspan(at + 8, length);
        if (starts_with(png.subspan(at + 4), "eXIf")) return orientation_of(content);
        at += 12 + length;
    }
    return 1;
}

}  // namespace

std::optional<JpegFrame> jpeg_frame(Bytes encoded) {
    std::optional<JpegFrame> frame;
    visit_segments(encoded, [&](std::uint8_t marker, Bytes content) {
        if (!is_start_of_frame(marker) || content.size() < 6) return false;
        frame = JpegFrame{.process = marker - 0xC0,
                          .precision_bits = static_cast<int>(byte_at(content, 0)),
                          .channels = static_cast<int>(byte_at(content, 5))};
        return true;
    });
    return frame;
}

int exif_orientation(Bytes encoded) { return is_png(encoded) ? png_orientation(encoded) : jpeg_orientation(encoded); }

Image upright(Image image, int orientation) {
    if (orientation <= 1 || orientation > 8) return image;
    const bool transposed = orientation >= 5;
    Image turned{.rows = transposed ? image.cols : image.rows, .cols = transposed ? image.rows : image.cols, .pixels = {}};
    turned.pixels.resize(image.pixels.size());
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    for (int row = 0; row < turned.rows; ++row) {
        for (int col = 0; col < turned.cols; ++col) {
            // Where the stored picture has this pixel.
            int y = transposed ? col : row;
            int x = transposed ? row : col;
            if (from_bottom) y = image.rows - 1 - y;
            if (from_right) x = image.cols - 1 - x;
            const auto stored =
                3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.cols) + static_cast<std::size_t>(x));
            const auto shown =
                3 * (static_cast<std::size_t>(row) * static_cast<std::size_t>(turned.cols) + static_cast<std::size_t>(col));
            std::memcpy(turned.pixels.data() + shown, image.pixels.data() + stored, 3);
        }
    }
    return turned;
}

}  // namespace fairsweep
