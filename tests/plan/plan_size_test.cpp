/// What a large plan costs in memory, counted by the allocator: no clock, no page of the operating system.
#include <malloc.h>

#include "fairsweep/shared_text.hpp"
#include "plan/stage_order.hpp"
#include "small_sweep.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::test;

namespace {

std::size_t bytes_in_use() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

/// About 10^5 points. One seed is the worst case: nothing but texts is shared between points.
Sweep large_sweep(std::size_t seeds) {
    Sweep sweep = small_sweep();
    sweep.seeds.clear();
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) sweep.seeds.push_back(seed);
    sweep.values(Axis::bits).clear();
    for (const int weight : {32, 16, 14, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2})
        for (const int activation : {32, 16, 12, 10, 8, 7, 6, 5, 4, 3})
            sweep.values(Axis::bits).emplace_back(Bits{weight, activation});
    sweep.values(Axis::sparsity).clear();
    for (int i = 0; i < 9; ++i) sweep.values(Axis::sparsity).emplace_back(0.1 * i);
    if (seeds == 1)
        for (int i = 9; i < 180; ++i) sweep.values(Axis::sparsity).emplace_back(0.005 * i);
    return sweep;
}

}  // namespace

TEST_CASE("a plan of 10^5 points takes less than a KiB of memory a point") {
    const std::size_t seeds = GENERATE(1, 20);
    const Sweep sweep = large_sweep(seeds);
    const std::size_t before = bytes_in_use();
    const Plan plan = make_plan(sweep, present_probe(), "test");
    const std::size_t bytes = bytes_in_use() - before;
    REQUIRE(plan.points.size() > 95'000);
    INFO(plan.points.size() << " points, " << plan.stages.size() << " stages, " << bytes << " bytes");
    CHECK(bytes / plan.points.size() < 1024);
}

TEST_CASE("a text that is held in parts is the text") {
    const std::string long_text(1000, 'x');
    for (const std::string text : {"", ",", ",,,,", "a", "{\"a\":1,\"b\":2}", "a,b,c,d,e,f,g,h,", ",a,b", "a,b,c,d,e"})
        for (const std::string& whole : {text, text + long_text, long_text + text, text + "," + text}) {
            INFO(whole);
            CHECK(PartedText(whole).text() == whole);
            CHECK(PartedText(whole) == PartedText(std::string(whole)));
            CHECK_FALSE(PartedText(whole) == PartedText(whole + "y"));
        }
    CHECK(PartedText().text().empty());
    CHECK(SharedText() == SharedText(""));
    CHECK(&SharedText("word").text() == &SharedText(std::string("word")).text());
    CHECK(SharedText("a") < SharedText("b"));
}
