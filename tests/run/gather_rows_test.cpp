#include "run/gather_rows.hpp"
#include "run/progress.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fairsweep/error.hpp"
#include "mpi/local_link.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("parts of the rows are whole batches that follow each other") {
    for (const std::uint64_t rows : {0U, 1U, 7U, 8U, 100U, 1001U}) {
        for (const std::uint64_t batch : {1U, 8U, 64U}) {
            for (const int ranks : {1, 2, 3, 7}) {
                std::uint64_t at = 0;
                for (int rank = 0; rank < ranks; ++rank) {
                    const auto [begin, end] = part_of(rows, batch, rank, ranks);
                    CHECK(begin == at);
                    CHECK((begin % batch == 0 || begin == rows));
                    CHECK(end >= begin);
                    at = end;
                }
                CHECK(at == rows);
            }
        }
    }
}

TEST_CASE("rank 0 gets every row at its place, also when a part needs several messages") {
    constexpr std::uint64_t kRows = 4000, kColumns = 3000;  // 24 MB for each rank, and a message is at most 16 MB
    constexpr int kRanks = 2;
    LocalPost post(kRanks);
    const auto value = [](std::uint64_t row, std::uint64_t column) { return static_cast<float>(row * 31 + column % 17); };
    std::vector<float> all;
    std::vector<std::thread> ranks;
    for (int rank = 0; rank < kRanks; ++rank) {
        ranks.emplace_back([&, rank] {
            const auto link = post.link(rank);
            auto rows = gather_rows(*link, kRows, kColumns, 1, [&](std::uint64_t begin, std::uint64_t end) {
                std::vector<float> part;
                for (std::uint64_t row = begin; row < end; ++row)
                    for (std::uint64_t column = 0; column < kColumns; ++column) part.push_back(value(row, column));
                return part;
            });
            if (rank == 0) all = std::move(rows);
        });
    }
    for (std::thread& rank : ranks) rank.join();
    REQUIRE(all.size() == kRows * kColumns);
    std::uint64_t wrong = 0;
    for (std::uint64_t row = 0; row < kRows; ++row)
        for (std::uint64_t column = 0; column < kColumns; ++column) wrong += all[row * kColumns + column] != value(row, column);
    CHECK(wrong == 0);
}

TEST_CASE("rows that nobody asked for are refused") {
    LocalPost post(2);
    const auto other = post.link(1);
    other->send(0, std::make_shared<std::vector<std::byte>>(8 + 40));  // row 0 of ten columns, which rank 0 has itself
    const auto link = post.link(0);
    const auto compute = [](std::uint64_t begin, std::uint64_t end) { return std::vector<float>((end - begin) * 3); };
    CHECK_THROWS_AS(gather_rows(*link, 4, 3, 1, compute), Error);
}

TEST_CASE("progress says what is left only when something is known of the speed") {
    CHECK(count_text(32, 2400, "images", 0.0, 0) == "32/2400 images");
    CHECK(count_text(32, 2400, "images", 2.9, 0) == "32/2400 images");
    CHECK(count_text(600, 2400, "images", 4.0, 0) == "600/2400 images, left 12 s");
    CHECK(count_text(2400, 2400, "images", 9.0, 0) == "2400/2400 images");
}
