#pragma once
/// Rows of equal size that a long stage makes one after another, in a file that a later attempt goes on from. No torch here.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "fairsweep/files.hpp"
#include "fairsweep/hash.hpp"

namespace fairsweep {

/// A head of 64 bytes (what the rows belong to and how large they are), then blocks of `block_rows` rows, the last one shorter,
/// each followed by its CRC-32C as 4 bytes, little-endian.
class KeptRows {
public:
    struct Shape {
        std::uint64_t rows = 0;        ///< of all
        std::uint64_t row_bytes = 0;   ///< at least 1
        std::uint64_t block_rows = 0;  ///< at least 1
        bool operator==(const Shape&) const = default;
    };
    /// Opens what is there for `identity`, or begins anew: what is torn or damaged, and all behind it, is cut off; a file of
    /// another identity or shape is emptied. Throws infrastructure errors.
    KeptRows(const std::filesystem::path& path, const Digest& identity, const Shape& shape);

    [[nodiscard]] std::uint64_t rows_done() const { return done_; }
    /// Rows that the next block has; 0 when all are there.
    [[nodiscard]] std::uint64_t next_block_rows() const;
    void append(std::span<const std::byte> block);
    void sync() { file_.sync(); }
    /// Bytes [rows * row_bytes] of the block that begins with this row, whole. Throws a data error when it is damaged.
    [[nodiscard]] std::vector<std::byte> block_at(std::uint64_t first_row) const;
    /// Removes the file.
    void remove() const;

private:
    [[nodiscard]] std::uint64_t rows_of_block(std::uint64_t first_row) const;
    [[nodiscard]] std::uint64_t place_of(std::uint64_t first_row) const;
    [[nodiscard]] bool is_whole(std::uint64_t first_row, std::vector<std::byte>& block) const;
    [[nodiscard]] std::vector<std::byte> head(const Digest& identity) const;

    Shape shape_;
    File file_;
    std::uint64_t done_ = 0;
};

}  // namespace fairsweep
