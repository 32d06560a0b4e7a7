#include "study/data_order.hpp"

#include <algorithm>
#include <set>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

std::vector<Sample> steps(DataOrder& order, std::int64_t from, std::int64_t to) {
    std::vector<Sample> all;
    for (std::int64_t step = from; step < to; ++step)
        for (const Sample& sample : order.batch(step)) all.push_back(sample);
    return all;
}

}  // namespace

TEST_CASE("An epoch shows every image at most once and drops the rest", "[order]") {
    DataOrder order({.seed = 1, .data = 5}, 103, 10, true);
    REQUIRE(order.batches_per_epoch() == 10);
    std::set<std::uint32_t> seen;
    for (const Sample& sample : steps(order, 0, 10)) {
        CHECK(sample.image < 103);
        CHECK(seen.insert(sample.image).second);
    }
}

TEST_CASE("The order depends on seed, data and epoch alone", "[order]") {
    DataOrder first({1, 5}, 100, 10, true), again({1, 5}, 100, 10, true), other_seed({2, 5}, 100, 10, true),
        other_data({1, 6}, 100, 10, true);
    const auto reference = steps(first, 0, 10);
    const auto second_epoch = steps(first, 10, 20);
    CHECK(again.batch(13) == std::vector<Sample>(second_epoch.begin() + 30, second_epoch.begin() + 40));  // asked out of order
    CHECK(steps(again, 0, 10) == reference);
    CHECK(steps(other_seed, 0, 10) != reference);
    CHECK(steps(other_data, 0, 10) != reference);
    CHECK(second_epoch != reference);
}

TEST_CASE("Half of the images are mirrored, or none", "[order]") {
    DataOrder with({1, 5}, 10000, 100, true), without({1, 5}, 10000, 100, false);
    const auto flips = [](const std::vector<Sample>& all) {
        return std::count_if(all.begin(), all.end(), [](const Sample& s) { return s.flip; });
    };
    const auto mirrored = steps(with, 0, 100);
    CHECK(std::abs(flips(mirrored) - 5000) < 250);  // 5 standard deviations
    const auto plain = steps(without, 0, 100);
    CHECK(flips(plain) == 0);
    for (std::size_t i = 0; i < plain.size(); ++i) REQUIRE(plain[i].image == mirrored[i].image);
}

TEST_CASE("A set without one full batch is refused", "[order]") {
    CHECK_THROWS_WITH(DataOrder({1, 5}, 63, 64, true), ContainsSubstring("batches of 64 from 63 images"));
    CHECK_NOTHROW(DataOrder({1, 5}, 64, 64, true));
    CHECK_THROWS_AS(DataOrder({1, 5}, 64, 1, true), Error);  // BatchNorm needs two
}
