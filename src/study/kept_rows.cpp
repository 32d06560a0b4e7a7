#include "study/kept_rows.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

constexpr std::string_view kMagic = "fsrows1\n";
constexpr std::uint64_t kHeadBytes = 64, kCrcBytes = sizeof(std::uint32_t);

/// While another attempt of the stage still writes (its worker was taken for lost), a file of its own for this one.
File open_alone(const std::filesystem::path& path) {
    File file = File::open_for_locking(path);
    bool is_alone = true;
    try {
        is_alone = file.try_lock();
    } catch (const Error&) {  // no locks on this file system: who runs there anyway has been told what it means
    }
    return is_alone ? std::move(file) : File::create_new(name_beside(path));
}

}  // namespace

KeptRows::KeptRows(const std::filesystem::path& path, const Digest& identity, const Shape& shape)
    : shape_(shape), file_(open_alone(path)) {
    FAIRSWEEP_CHECK(shape.row_bytes > 0 && shape.block_rows > 0, "rows have bytes and blocks have rows");
    const std::vector<std::byte> wanted = head(identity);
    std::vector<std::byte> found(kHeadBytes);
    if (file_.read_at(0, found) != kHeadBytes || found != wanted) {
        file_.truncate(0);
        file_.write_at(0, wanted);
        return;
    }
    std::vector<std::byte> block;
    while (done_ < shape_.rows && is_whole(done_, block)) done_ += rows_of_block(done_);
    file_.truncate(place_of(done_));
}

std::vector<std::byte> KeptRows::head(const Digest& identity) const {
    std::vector<std::byte> bytes(kHeadBytes);
    std::byte* out = bytes.data();
    const auto put = [&out](const void* data, std::size_t size) {
        std::memcpy(out, data, size);
        out += size;
    };
    put(kMagic.data(), kMagic.size());
    put(identity.bytes.data(), identity.bytes.size());
    for (const std::uint64_t number : {shape_.rows, shape_.row_bytes, shape_.block_rows}) put(&number, sizeof number);
    return bytes;
}

std::uint64_t KeptRows::rows_of_block(std::uint64_t first_row) const {
    return std::min(shape_.block_rows, shape_.rows - first_row);
}

std::uint64_t KeptRows::place_of(std::uint64_t first_row) const {
    const std::uint64_t blocks = (first_row + shape_.block_rows - 1) / shape_.block_rows;
    return kHeadBytes + first_row * shape_.row_bytes + blocks * kCrcBytes;
}

std::uint64_t KeptRows::next_block_rows() const { return rows_of_block(done_); }

bool KeptRows::is_whole(std::uint64_t first_row, std::vector<std::byte>& block) const {
    const std::uint64_t bytes = rows_of_block(first_row) * shape_.row_bytes;
    block.resize(bytes + kCrcBytes);
    if (file_.read_at(place_of(first_row), block) != block.size()) return false;
    std::uint32_t crc = 0;
    std::memcpy(&crc, block.data() + bytes, kCrcBytes);
    block.resize(bytes);
    return crc == crc32c(block);
}

void KeptRows::append(std::span<const std::byte> block) {
    FAIRSWEEP_CHECK(block.size() == next_block_rows() * shape_.row_bytes && !block.empty(), "blocks come whole and in order");
    const std::uint32_t crc = crc32c(block);
    std::vector<std::byte> bytes(block.begin(), block.end());
    bytes.resize(block.size() + kCrcBytes);
    std::memcpy(bytes.data() + block.size(), &crc, kCrcBytes);
    file_.write_at(place_of(done_), bytes);
    done_ += next_block_rows();
}

std::vector<std::byte> KeptRows::block_at(std::uint64_t first_row) const {
    FAIRSWEEP_CHECK(first_row < done_ && first_row % shape_.block_rows == 0, "a block that is there");
    std::vector<std::byte> block;
    if (is_whole(first_row, block)) return block;
    throw_data({.attempted = "cannot read rows that a stage has kept",
                .where = file_.path().string() + ", row " + std::to_string(first_row),
                .found = "bytes that do not fit their checksum",
                .expected = "the rows as they were written",
                .hint = "the disk or its memory is at fault; delete the file, and the stage begins anew"});
}

void KeptRows::remove() const {
    std::error_code error;
    std::filesystem::remove(file_.path(), error);
}

}  // namespace fairsweep
