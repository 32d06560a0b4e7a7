#include "faces/parallel.hpp"

#include <stdexcept>

#include "support/catch.hpp"

using namespace fairsweep::faces;

TEST_CASE("results are taken in order, each once, whatever the number of threads") {
    for (const unsigned threads : {1U, 2U, 5U}) {
        std::vector<std::uint64_t> taken;
        make_in_order(
            1000, threads, [](std::uint64_t i) { return std::vector<std::byte>(i % 7); },
            [&taken](std::uint64_t i, const std::vector<std::byte>& bytes) {
                CHECK(bytes.size() == i % 7);
                taken.push_back(i);
            });
        REQUIRE(taken.size() == 1000);
        for (std::uint64_t i = 0; i < 1000; ++i) CHECK(taken[i] == i);
    }
}

TEST_CASE("an exception in a thread ends the work and reaches the caller") {
    std::uint64_t taken = 0;
    const auto make = [](std::uint64_t i) -> std::vector<std::byte> {
        if (i == 300) throw std::runtime_error("no");
        return {};
    };
    CHECK_THROWS_AS(make_in_order(1000, 3, make, [&taken](std::uint64_t, const std::vector<std::byte>&) { ++taken; }),
                    std::runtime_error);
    CHECK(taken <= 300);
}
