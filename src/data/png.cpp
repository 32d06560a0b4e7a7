#include "data/png.hpp"

#include <fmt/format.h>
#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "data/jpeg.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

/// The bytes that libpng has still to see, and what it last complained of.
struct PngSource {
    std::span<const std::byte> left;
    std::array<char, 128> message{};
};

void give_bytes(png_structp png, png_bytep out, std::size_t count) {
    auto& source = *static_cast<PngSource*>(png_get_io_ptr(png));
    if (count > source.left.size()) png_error(png, "the file ends too early");
    std::memcpy(out, source.left.data(), count);
    source.left = source.left.subspan(count);
}

[[noreturn]] void keep_message(png_structp png, png_const_charp message) {
    auto& source = *static_cast<PngSource*>(png_get_error_ptr(png));
    std::snprintf(source.message.data(), source.message.size(), "%s", message);
    png_longjmp(png, 1);
}

/// libpng calls some damage (a wrong checksum in an ancillary chunk) a warning: the pixels are whole then.
void ignore_warning(png_structp, png_const_charp) {}

/// libpng leaves its functions by longjmp: a member that calls it has no local object to destroy.
class PngReader {
public:
    explicit PngReader(std::span<const std::byte> encoded) {
        source_.left = encoded;
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source_, keep_message, ignore_warning);
        FAIRSWEEP_CHECK(png_ != nullptr, "libpng starts: its version is the one compiled with");
        info_ = png_create_info_struct(png_);
        png_set_read_fn(png_, &source_, give_bytes);
    }
    ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
    PngReader(const PngReader&) = delete;
    PngReader& operator=(const PngReader&) = delete;

    /// Up to the pixels. Only IHDR, PLTE, tRNS, IDAT and IEND are looked at: neither gAMA, sRGB nor iCCP changes a value.
    [[nodiscard]] bool read_header() {
        if (setjmp(png_jmpbuf(png_)) != 0) return false;  // NOLINT: libpng's way
        png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
        png_read_info(png_, info_);
        return true;
    }
    [[nodiscard]] png_uint_32 rows() const { return png_get_image_height(png_, info_); }
    [[nodiscard]] png_uint_32 cols() const { return png_get_image_width(png_, info_); }

    /// As OpenCV's imread: stored values, the high byte of 16-bit ones, alpha and transparent colours dropped.
    [[nodiscard]] bool read_rows(png_bytepp rows) {
        if (setjmp(png_jmpbuf(png_)) != 0) return false;  // NOLINT
        png_set_palette_to_rgb(png_);
        if (png_get_color_type(png_, info_) == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png_);
        png_set_strip_16(png_);
        png_set_gray_to_rgb(png_);
        png_set_strip_alpha(png_);
        png_set_interlace_handling(png_);
        png_read_update_info(png_, info_);
        if (png_get_rowbytes(png_, info_) != std::size_t{3} * cols()) png_error(png_, "rows of another length");
        png_read_image(png_, rows);
        return true;
    }
    [[nodiscard]] std::string message() const { return source_.message.data(); }

private:
    PngSource source_;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
};

}  // namespace

bool is_png(std::span<const std::byte> encoded) {
    static constexpr std::array<std::uint8_t, 8> kSignature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    return encoded.size() >= kSignature.size() && std::memcmp(encoded.data(), kSignature.data(), kSignature.size()) == 0;
}

void check_image_size(long long rows, long long cols, const std::string& where) {
    if (rows > 0 && cols > 0 && rows <= kMaxImageSide && cols <= kMaxImageSide) return;
    throw_data({.attempted = "cannot decode an image",
                .where = where,
                .found = fmt::format("{} x {} pixels", cols, rows),
                .expected = fmt::format("1 to {} pixels per side", kMaxImageSide)});
}

Image decode_png(std::span<const std::byte> encoded, const std::string& where) {
    PngReader reader(encoded);
    const auto failed = [&] {
        throw_data({.attempted = "cannot decode a PNG",
                    .where = where,
                    .found = reader.message(),
                    .hint = "the image is damaged or cut off"});
    };
    if (!reader.read_header()) failed();
    check_image_size(reader.rows(), reader.cols(), where);
    Image image{.rows = static_cast<int>(reader.rows()), .cols = static_cast<int>(reader.cols()), .pixels = {}};
    const std::size_t row_bytes = std::size_t{3} * reader.cols();
    image.pixels.resize(row_bytes * reader.rows());
    std::vector<png_bytep> rows;
    for (std::size_t row = 0; row < reader.rows(); ++row) rows.push_back(image.pixels.data() + row * row_bytes);
    if (!reader.read_rows(rows.data())) failed();
    return image;
}

}  // namespace fairsweep
