#include "store/seal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>
#include <string>

#include "fairsweep/error.hpp"
#include "fairsweep/hash.hpp"

namespace fairsweep {
namespace {

constexpr char kMagic[9] = "FSWSEAL1";  // persistent
constexpr unsigned char kHdf5Signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

/// Bytes of a seal, little-endian, zero where nothing stands.
struct Seal {
    char magic[8]{};
    std::uint64_t data_offset = 0;
    std::uint64_t data_bytes = 0;
    std::uint64_t file_bytes = 0;   ///< without the seal
    std::uint32_t content_crc = 0;  ///< of the file without data range and seal
    std::array<std::byte, kSealBytes - 40> reserved{};
    std::uint32_t own_crc = 0;  ///< of the bytes before it
};
static_assert(sizeof(Seal) == kSealBytes);

std::uint32_t own_crc_of(const Seal& value) {
    return crc32c(std::as_bytes(std::span(&value, 1)).first(kSealBytes - sizeof value.own_crc));
}

[[noreturn]] void refuse(const std::filesystem::path& path, const SealWords& words, const std::string& found,
                         const std::string& expected, const std::string& hint) {
    throw_store({.attempted = fmt::format("cannot open {}", words.thing),
                 .where = path.string(),
                 .found = found,
                 .expected = expected,
                 .hint = hint});
}

std::uint32_t crc_of_range(const File& file, std::uint64_t begin, std::uint64_t end, std::uint32_t crc) {
    std::vector<std::byte> buffer(1 << 18);
    while (begin < end) {
        const auto part = std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - begin)));
        file.read_exactly_at(begin, part);
        crc = crc32c(part, crc);
        begin += part.size();
    }
    return crc;
}

/// The bytes of a seal over a file of `file_bytes` with the bytes [data_offset, data_offset + data_bytes) left out.
std::array<std::byte, kSealBytes> seal_bytes(std::uint64_t file_bytes, std::uint64_t data_offset, std::uint64_t data_bytes,
                                             std::uint32_t content_crc) {
    Seal value;
    std::memcpy(value.magic, kMagic, sizeof value.magic);
    value.data_offset = data_offset;
    value.data_bytes = data_bytes;
    value.file_bytes = file_bytes;
    value.content_crc = content_crc;
    value.own_crc = own_crc_of(value);
    return std::bit_cast<std::array<std::byte, kSealBytes>>(value);
}

}  // namespace

void seal(std::vector<std::byte>& image, std::uint64_t data_offset, std::uint64_t data_bytes) {
    const auto bytes = std::span<const std::byte>(image);
    const std::uint32_t crc = crc32c(bytes.subspan(data_offset + data_bytes), crc32c(bytes.first(data_offset)));
    const auto sealed = seal_bytes(image.size(), data_offset, data_bytes, crc);
    image.insert(image.end(), sealed.begin(), sealed.end());
}

void seal(File& file) {
    const std::uint64_t size = file.size_bytes();
    file.append(seal_bytes(size, 0, 0, crc_of_range(file, 0, size, 0)));
}

SealState seal_state(const std::filesystem::path& path, const SealWords& words) {
    if (!std::filesystem::is_regular_file(path)) {
        refuse(path, words, std::filesystem::exists(path) ? "not a regular file" : "no such file", words.thing,
               "is the path right?");
    }
    const File file = File::open_for_reading(path);
    const std::uint64_t size = file.size_bytes();
    std::array<std::byte, 8> start{};
    if (file.read_at(0, start) < start.size() || std::memcmp(start.data(), kHdf5Signature, start.size()) != 0) {
        refuse(path, words, fmt::format("{} bytes that are no HDF5 file", size), "an HDF5 file", "is the path right?");
    }
    Seal value;
    if (size < kSealBytes + start.size())
        refuse(path, words, fmt::format("{} bytes", size), "a whole HDF5 file", "it is truncated");
    file.read_exactly_at(size - kSealBytes, std::as_writable_bytes(std::span(&value, 1)));
    if (std::memcmp(value.magic, kMagic, sizeof value.magic) != 0) return SealState::unsealed;
    const std::uint64_t body = size - kSealBytes;
    if (value.own_crc != own_crc_of(value)) {
        refuse(path, words, "a damaged seal (its last 64 bytes)", "the seal that fairsweep wrote", words.mend);
    }
    if (value.file_bytes != body || value.data_offset > body || value.data_bytes > body - value.data_offset) {
        refuse(path, words, fmt::format("{} bytes", size), fmt::format("{} bytes", value.file_bytes + kSealBytes),
               fmt::format("it was cut or lengthened: {}", words.mend));
    }
    const std::uint32_t before = crc_of_range(file, 0, value.data_offset, 0);
    if (crc_of_range(file, value.data_offset + value.data_bytes, body, before) != value.content_crc) {
        refuse(path, words, "bytes that were changed: the checksum in its seal is another one", "what fairsweep wrote",
               words.mend);
    }
    return SealState::sealed;
}

void check_seal(const std::filesystem::path& path, const SealWords& words) {
    if (seal_state(path, words) == SealState::sealed) return;
    refuse(path, words, "an HDF5 file without fairsweep's seal at its end", fmt::format("{} as fairsweep wrote it", words.thing),
           fmt::format("it is truncated, somebody else's, or was changed by another program: {}", words.mend));
}

}  // namespace fairsweep
