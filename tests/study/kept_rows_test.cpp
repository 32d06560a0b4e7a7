/// Rows that outlive the process that made them: whatever is cut or changed, what is read back is what was written.
#include "study/kept_rows.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
namespace fs = std::filesystem;

namespace {

constexpr KeptRows::Shape kShape{.rows = 23, .row_bytes = 5, .block_rows = 4};
constexpr std::uint64_t kHead = 64, kBlock = 4 * 5 + 4, kLast = 3 * 5 + 4;

std::vector<std::byte> bytes_of_block(std::uint64_t first_row, std::uint64_t rows) {
    std::vector<std::byte> bytes(rows * kShape.row_bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(first_row * 31 + i);
    return bytes;
}

void fill(KeptRows& rows, std::uint64_t until = kShape.rows) {
    while (rows.rows_done() < until) rows.append(bytes_of_block(rows.rows_done(), rows.next_block_rows()));
}

bool is_right(const KeptRows& rows) {
    for (std::uint64_t row = 0; row < rows.rows_done(); row += kShape.block_rows)
        if (rows.block_at(row) != bytes_of_block(row, std::min<std::uint64_t>(kShape.block_rows, kShape.rows - row)))
            return false;
    return true;
}

}  // namespace

TEST_CASE("rows are there again, and only for whom they belong to") {
    {
        KeptRows rows("a.rows", sha256("stage"), kShape);
        CHECK(rows.rows_done() == 0);
        fill(rows, 8);
        CHECK(rows.rows_done() == 8);
    }
    {
        KeptRows rows("a.rows", sha256("stage"), kShape);
        CHECK(rows.rows_done() == 8);
        CHECK(is_right(rows));
        fill(rows);
        CHECK(rows.next_block_rows() == 0);
        CHECK(is_right(rows));
    }
    CHECK(fs::file_size("a.rows") == kHead + 5 * kBlock + kLast);
    CHECK(KeptRows("a.rows", sha256("stage"), kShape).rows_done() == kShape.rows);
    CHECK(KeptRows("a.rows", sha256("another"), kShape).rows_done() == 0);
    CHECK(KeptRows("a.rows", sha256("another"), {.rows = 24, .row_bytes = 5, .block_rows = 4}).rows_done() == 0);
    KeptRows("a.rows", sha256("another"), kShape).remove();
    CHECK_FALSE(fs::exists("a.rows"));
}

TEST_CASE("what is torn or changed is cut off, with all behind it") {
    for (std::uint64_t size = 0; size <= kHead + 5 * kBlock + kLast; ++size) {
        fs::remove("b.rows");
        {
            KeptRows rows("b.rows", sha256("stage"), kShape);
            fill(rows);
        }
        fs::resize_file("b.rows", size);
        KeptRows rows("b.rows", sha256("stage"), kShape);
        const std::uint64_t blocks = size < kHead ? 0 : (size - kHead) / kBlock;
        const bool is_all = size == kHead + 5 * kBlock + kLast;
        INFO("cut to " << size << " bytes");
        CHECK(rows.rows_done() == (is_all ? kShape.rows : blocks * kShape.block_rows));
        CHECK(is_right(rows));
        fill(rows);
        CHECK(is_right(rows));
    }
    for (std::uint64_t at = 0; at < kHead + 5 * kBlock + kLast; ++at) {
        fs::remove("b.rows");
        {
            KeptRows rows("b.rows", sha256("stage"), kShape);
            fill(rows);
        }
        std::string bytes = read_text_file("b.rows");
        bytes[at] = static_cast<char>(bytes[at] ^ 16);
        write_file_atomically("b.rows", std::string_view(bytes));
        KeptRows rows("b.rows", sha256("stage"), kShape);
        INFO("byte " << at << " changed");
        CHECK(rows.rows_done() == (at < kHead ? 0 : (at - kHead) / kBlock * kShape.block_rows));
        CHECK(is_right(rows));
    }
}

TEST_CASE("a block that changes while its file is open is refused") {
    KeptRows rows("c.rows", sha256("stage"), kShape);
    fill(rows);
    File file = File::open_for_update("c.rows");
    file.write_at(kHead + kBlock + 2, std::vector<std::byte>{std::byte{99}});
    CHECK_NOTHROW(rows.block_at(0));
    CHECK_THROWS_AS(rows.block_at(4), Error);
}

TEST_CASE("a second attempt beside a living one has a file of its own") {
    std::optional<KeptRows> first(std::in_place, "d.rows", sha256("stage"), kShape);
    fill(*first, 8);
    KeptRows second("d.rows", sha256("stage"), kShape);
    CHECK(second.rows_done() == 0);
    fill(second);
    CHECK(is_right(*first));
    second.remove();
    first.reset();
    CHECK(KeptRows("d.rows", sha256("stage"), kShape).rows_done() == 8);
}
