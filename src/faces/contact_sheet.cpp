#include "faces/contact_sheet.hpp"

#include <png.h>

#include <cstring>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "faces/sets.hpp"

namespace fairsweep::faces {
namespace {

constexpr int kCell = 112, kGroupGap = 6;

void paste(Image& sheet, const Image& cell, int top, int left) {
    for (int row = 0; row < cell.rows; ++row) {
        const auto to =
            (static_cast<std::size_t>(top + row) * static_cast<std::size_t>(sheet.cols) + static_cast<std::size_t>(left)) * 3;
        const auto from = static_cast<std::size_t>(row) * static_cast<std::size_t>(cell.cols) * 3;
        std::memcpy(sheet.pixels.data() + to, cell.pixels.data() + from, static_cast<std::size_t>(cell.cols) * 3);
    }
}

void write_png(const std::filesystem::path& path, const Image& image) {
    png_image header{};
    header.version = PNG_IMAGE_VERSION;
    header.width = static_cast<png_uint_32>(image.cols);
    header.height = static_cast<png_uint_32>(image.rows);
    header.format = PNG_FORMAT_RGB;
    std::vector<std::byte> encoded(PNG_IMAGE_PNG_SIZE_MAX(header));
    png_alloc_size_t size_bytes = encoded.size();
    if (png_image_write_to_memory(&header, encoded.data(), &size_bytes, 0, image.pixels.data(), 0, nullptr) == 0) {
        throw_infrastructure({.attempted = "cannot encode a contact sheet", .where = path.string(), .found = header.message});
    }
    encoded.resize(size_bytes);
    write_file_atomically(path, encoded);
}

}  // namespace

void write_contact_sheet(const std::filesystem::path& png, const std::vector<Group>& groups, std::uint64_t seed, int identities,
                         int images) {
    constexpr int kLoose = 2;
    const int groups_count = static_cast<int>(groups.size());
    Image sheet;
    sheet.cols = (images + kLoose) * kCell;
    sheet.rows = groups_count * (identities * kCell + kGroupGap) - kGroupGap;
    sheet.pixels.assign(static_cast<std::size_t>(sheet.rows) * static_cast<std::size_t>(sheet.cols) * 3, 255);
    for (int g = 0; g < groups_count; ++g) {
        for (int i = 0; i < identities; ++i) {
            const int top = g * (identities * kCell + kGroupGap) + i * kCell;
            for (int k = 0; k < images + kLoose; ++k) {
                const Framing framing = k < images ? Framing::aligned : Framing::loose;
                const ImageKey key{"train", static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(k)};
                const Shot shot = shoot(groups[static_cast<std::size_t>(g)], key, framing, seed);
                paste(sheet, render_face(shot.identity, shot.conditions, kCell).image, top, k * kCell);
            }
        }
    }
    write_png(png, sheet);
}

}  // namespace fairsweep::faces
