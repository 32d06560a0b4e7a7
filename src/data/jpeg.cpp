#include "data/jpeg.hpp"

#include <fmt/format.h>
#include <turbojpeg.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "data/file_kind.hpp"
#include "data/image_header.hpp"
#include "data/png.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/log.hpp"

namespace fairsweep {
namespace {

struct DestroyCodec {
    void operator()(void* codec) const { tjDestroy(codec); }
};
using Codec = std::unique_ptr<void, DestroyCodec>;

// A codec keeps tables and buffers between images; one per thread is what TurboJPEG asks for.
Codec& decompressor() {
    thread_local Codec codec;
    if (codec == nullptr) codec.reset(tjInitDecompress());
    if (codec == nullptr) {
        throw_infrastructure({.attempted = "cannot start the JPEG decoder", .found = tjGetErrorStr2(nullptr)});
    }
    return codec;
}

void* compressor() {
    thread_local const Codec codec(tjInitCompress());
    if (codec == nullptr) {
        throw_infrastructure({.attempted = "cannot start the JPEG encoder", .found = tjGetErrorStr2(nullptr)});
    }
    return codec.get();
}

bool is_jpeg(std::span<const std::byte> encoded) {
    return encoded.size() >= 3 && encoded[0] == std::byte{0xFF} && encoded[1] == std::byte{0xD8} && encoded[2] == std::byte{0xFF};
}

[[noreturn]] void not_an_image(std::span<const std::byte> encoded, const std::string& where) {
    const FileKind kind = kind_of_file(encoded.first(std::min(kFileKindBytes, encoded.size())));
    std::string found = fmt::format("{}{} bytes", kind.name.empty() ? "" : kind.name + ": ", encoded.size());
    if (!encoded.empty()) found += ", starting";
    for (const std::byte byte : encoded.first(std::min<std::size_t>(8, encoded.size()))) {
        found += fmt::format(" {:02x}", std::to_integer<unsigned>(byte));
    }
    throw_data({.attempted = "cannot decode an image",
                .where = where,
                .found = found,
                .expected = "a JPEG (ff d8 ff) or a PNG (89 50 4e 47)",
                .hint = kind.hint});
}

constexpr const char* kConvertHint =
    "convert it: python3 -c \"from PIL import Image; Image.open('IN').convert('RGB').save('OUT.png')\"";

[[noreturn]] void unsupported_jpeg(const std::string& found, const std::string& where) {
    throw_data({.attempted = "cannot decode a JPEG",
                .where = where,
                .found = found,
                .expected = "grey or RGB values of 8 bits",
                .hint = kConvertHint});
}

/// Whole JPEGs of kinds that are not decoded, by the name that they have: nothing is damaged there.
void check_jpeg_kind(const JpegFrame& frame, const std::string& where) {
    const bool huffman = frame.process <= 2;
    const bool arithmetic = frame.process == 9 || frame.process == 10;  // libjpeg-turbo decodes it where it is built to
    if (frame.process == 3 || frame.process == 11) unsupported_jpeg("a lossless JPEG", where);
    if (!huffman && !arithmetic) unsupported_jpeg("a hierarchical JPEG", where);
    if (frame.precision_bits != 8) unsupported_jpeg(fmt::format("a JPEG of {} bits a value", frame.precision_bits), where);
    if (frame.channels == 4) unsupported_jpeg("a CMYK JPEG: four inks, made for printing", where);
    if (frame.channels != 1 && frame.channels != 3) unsupported_jpeg(fmt::format("a JPEG of {} channels", frame.channels), where);
}

/// What TurboJPEG says about images that are whole, and what to do about it.
std::string hint_for(std::string_view message) {
    if (message.find("rithmetic") != std::string_view::npos || message.find("subsampling") != std::string_view::npos)
        return kConvertHint;
    return "the image is damaged or cut off";
}

Image decode_jpeg(std::span<const std::byte> encoded, const std::string& where) {
    Codec& owned = decompressor();
    void* const codec = owned.get();
    const auto* bytes = reinterpret_cast<const unsigned char*>(encoded.data());
    const auto failed = [&owned, &where] {
        const std::string message = tjGetErrorStr2(owned.get());
        // A decoder that failed inside a header reads the next image from the middle of that header (libjpeg-turbo 2.1.5).
        owned.reset();
        throw_data({.attempted = "cannot decode a JPEG", .where = where, .found = message, .hint = hint_for(message)});
    };
    if (const auto frame = jpeg_frame(encoded)) check_jpeg_kind(*frame, where);
    // Stray bytes between segments are a warning that costs no pixel and is common in files of old cameras.
    const auto harmless = [codec] {
        return tjGetErrorCode(codec) == TJERR_WARNING &&
               std::string_view(tjGetErrorStr2(codec)).find("extraneous bytes") != std::string_view::npos;
    };
    int cols = 0;
    int rows = 0;
    int subsampling = 0;
    int colour_space = 0;
    if (tjDecompressHeader3(codec, bytes, encoded.size(), &cols, &rows, &subsampling, &colour_space) != 0 && !harmless())
        failed();
    check_image_size(rows, cols, where);
    Image image{.rows = rows, .cols = cols, .pixels = {}};
    image.pixels.resize(std::size_t{3} * static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
    const int status = tjDecompress2(codec, bytes, encoded.size(), image.pixels.data(), cols, 0, rows, TJPF_RGB,
                                     TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS);
    if (status != 0 && !harmless()) failed();
    return image;
}

/// Once in a process: a set of such images would say it a million times.
void tell_orientation(int orientation, const std::string& where) {
    static std::atomic<bool> warned{false};
    if (warned.exchange(true)) return;
    log_warning(fmt::format(
        "{}: its EXIF orientation is {}, so it is turned upright, as OpenCV's imread does; Pillow and libjpeg would not. "
        "Further images are turned without a word",
        where.empty() ? "an image" : where, orientation));
}

}  // namespace

Image decode_image(std::span<const std::byte> encoded, const std::string& where) {
    Image image;
    if (is_jpeg(encoded)) {
        image = decode_jpeg(encoded, where);
    } else if (is_png(encoded)) {
        image = decode_png(encoded, where);
    } else {
        not_an_image(encoded, where);
    }
    const int orientation = exif_orientation(encoded);
    if (orientation == 1) return image;
    tell_orientation(orientation, where);
    return upright(std::move(image), orientation);
}

Image read_image(const std::filesystem::path& path) {
    constexpr std::uint64_t kMaxBytes = 64ULL << 20;
    const std::string encoded = read_text_file(path, kMaxBytes);
    return decode_image(std::as_bytes(std::span(encoded.data(), encoded.size())), path.string());
}

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
    FAIRSWEEP_CHECK(image.rows > 0 && image.cols > 0 && image.rows <= kMaxImageSide && image.cols <= kMaxImageSide,
                    "encode an image of a sane size");
    FAIRSWEEP_CHECK(
        image.pixels.size() == std::size_t{3} * static_cast<std::size_t>(image.rows) * static_cast<std::size_t>(image.cols),
        "encode an image whose pixels are rows x cols x 3");
    FAIRSWEEP_CHECK(quality >= 1 && quality <= 100, "JPEG quality is 1 .. 100");
    void* codec = compressor();
    std::vector<std::byte> encoded(tjBufSize(image.cols, image.rows, TJSAMP_420));
    auto* bytes = reinterpret_cast<unsigned char*>(encoded.data());
    unsigned long size_bytes = encoded.size();
    const int status = tjCompress2(codec, image.pixels.data(), image.cols, 0, image.rows, TJPF_RGB, &bytes, &size_bytes,
                                   TJSAMP_420, quality, TJFLAG_ACCURATEDCT | TJFLAG_NOREALLOC);
    if (status != 0) {
        throw_infrastructure({.attempted = "cannot encode a JPEG", .found = tjGetErrorStr2(codec)});
    }
    encoded.resize(size_bytes);
    return encoded;
}

}  // namespace fairsweep
