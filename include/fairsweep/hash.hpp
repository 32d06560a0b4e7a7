#pragma once
/// SHA-256 for identities (OpenSSL), CRC-32C for damage.
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fairsweep {

struct Digest {
    std::array<std::uint8_t, 32> bytes{};
    auto operator<=>(const Digest&) const = default;
    [[nodiscard]] bool is_zero() const noexcept;
    [[nodiscard]] std::string hex() const;                        ///< 64 lower-case digits
    [[nodiscard]] std::string short_hex() const;                  ///< the first 12 of them, for people
    [[nodiscard]] static Digest from_hex(std::string_view text);  ///< throws a data error unless 64 hex digits
    [[nodiscard]] std::uint64_t prefix() const noexcept;          ///< the first 8 bytes, big-endian: key for random numbers
};

class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    Sha256& update(std::span<const std::byte> data);
    Sha256& update(std::string_view text);
    [[nodiscard]] Digest finish();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

[[nodiscard]] Digest sha256(std::string_view text);
[[nodiscard]] Digest sha256_of_file(const std::filesystem::path& path);  ///< throws a data error when unreadable

/// CRC-32C (Castagnoli, reflected 0x82F63B78), as iSCSI and ext4 use it. `seed` is the CRC of what came before.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t seed = 0) noexcept;

}  // namespace fairsweep
