#include "fairsweep/hash.hpp"

#include <openssl/evp.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#include <algorithm>
#include <cstring>
#include <vector>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"

namespace fairsweep {
namespace {

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

constexpr std::array<std::uint32_t, 256> make_crc_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0x82F63B78u : 0u);
        table[i] = crc;
    }
    return table;
}
constexpr auto kCrcTable = make_crc_table();

std::uint32_t crc_by_table(std::span<const std::byte> data, std::uint32_t crc) noexcept {
    for (const std::byte byte : data) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<std::uint32_t>(byte)) & 0xFFu];
    return crc;
}

#if defined(__x86_64__)
/// The processor's own CRC-32C, eight bytes an instruction: files of many gigabytes are checked at the speed of the disk.
__attribute__((target("sse4.2"))) std::uint32_t crc_by_instruction(std::span<const std::byte> data, std::uint32_t crc) noexcept {
    std::uint64_t wide = crc;
    std::size_t at = 0;
    for (; data.size() - at >= sizeof wide; at += sizeof wide) {
        std::uint64_t word = 0;
        std::memcpy(&word, data.data() + at, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    return crc_by_table(data.subspan(at), static_cast<std::uint32_t>(wide));
}
#endif

}  // namespace

bool Digest::is_zero() const noexcept {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::string Digest::hex() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(64);
    for (const std::uint8_t byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

std::string Digest::short_hex() const { return hex().substr(0, 12); }

Digest Digest::from_hex(std::string_view text) {
    Digest digest;
    bool good = text.size() == 64;
    for (std::size_t i = 0; good && i < 32; ++i) {
        const int high = hex_value(text[2 * i]);
        const int low = hex_value(text[2 * i + 1]);
        good = high >= 0 && low >= 0;
        digest.bytes[i] = static_cast<std::uint8_t>(good ? high * 16 + low : 0);
    }
    if (!good) {
        throw_data({.attempted = "cannot read a SHA-256 digest",
                    .found = std::string(text.substr(0, 80)),
                    .expected = "64 hexadecimal digits"});
    }
    return digest;
}

std::uint64_t Digest::prefix() const noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8 | bytes[i];
    return value;
}

namespace {

/// Looked up once: plans hash hundreds of thousands of short texts.
const EVP_MD* sha256_method() {
    static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return method;
}

}  // namespace

struct Sha256::Impl {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~Impl() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
    FAIRSWEEP_CHECK(EVP_DigestInit_ex(impl_->context, sha256_method(), nullptr) == 1, "start SHA-256");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(std::span<const std::byte> data) {
    FAIRSWEEP_CHECK(EVP_DigestUpdate(impl_->context, data.data(), data.size()) == 1, "update SHA-256");
    return *this;
}

Sha256& Sha256::update(std::string_view text) { return update(std::as_bytes(std::span(text.data(), text.size()))); }

Digest Sha256::finish() {
    Digest digest;
    unsigned int size = 0;
    FAIRSWEEP_CHECK(EVP_DigestFinal_ex(impl_->context, digest.bytes.data(), &size) == 1 && size == 32, "finish SHA-256");
    return digest;
}

Digest sha256(std::string_view text) {
    Digest digest;
    unsigned int size = 0;
    FAIRSWEEP_CHECK(EVP_Digest(text.data(), text.size(), digest.bytes.data(), &size, sha256_method(), nullptr) == 1 && size == 32,
                    "hash a text");
    return digest;
}

Digest sha256_of_file(const std::filesystem::path& path) {
    const File file = File::open_for_reading(path);
    std::vector<std::byte> buffer(1 << 20);
    Sha256 hash;
    for (std::uint64_t offset = 0;;) {
        const std::size_t got = file.read_at(offset, buffer);
        if (got == 0) return hash.finish();
        hash.update(std::span(buffer.data(), got));
        offset += got;
    }
}

std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t seed) noexcept {
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction) return ~crc_by_instruction(data, ~seed);
#endif
    return ~crc_by_table(data, ~seed);
}

}  // namespace fairsweep
