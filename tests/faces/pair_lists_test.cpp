#include "faces/pair_lists.hpp"

#include <map>
#include <set>
#include <tuple>

#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::faces;

TEST_CASE("ten folds, first half of each genuine, no pair twice, all in range") {
    for (const auto& [identities, pairs] : {std::pair{150U, 1200U}, {20U, 80U}, {2U, 20U}, {3U, 60U}}) {
        const std::uint32_t images = images_needed(identities, pairs);
        RandomStream stream(1, 2, "pairs");
        const std::vector<Pair> list = draw_pairs(identities, images, pairs, stream);
        REQUIRE(list.size() == pairs);
        std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>> seen;
        std::map<std::uint32_t, std::uint32_t> genuine_of;
        for (std::uint32_t i = 0; i < pairs; ++i) {
            const Pair& p = list[i];
            CHECK(p.genuine() == (i % (pairs / 10) < pairs / 20));
            CHECK(p.identity_a < identities);
            CHECK(p.identity_b < identities);
            CHECK(p.image_a < images);
            CHECK(p.image_b < images);
            if (p.genuine()) CHECK(p.image_a < p.image_b);
            if (p.genuine()) ++genuine_of[p.identity_a];
            CHECK(seen.emplace(p.identity_a, p.image_a, p.identity_b, p.image_b).second);
        }
        for (std::uint32_t id = 0; id < identities; ++id) {  // even: none has two more than another
            CHECK(genuine_of[id] >= pairs / 2 / identities);
            CHECK(genuine_of[id] <= pairs / 2 / identities + 1);
        }
    }
}

TEST_CASE("images are as many as the genuine pairs need") {
    CHECK(images_needed(150, 1200) == 4);
    CHECK(images_needed(150, 6000) == 7);
    CHECK(images_needed(1000, 20) == 3);
    CHECK(images_needed(2, 20) == 4);
}

TEST_CASE("another seed compares others") {
    RandomStream first(1, 0, "pairs"), second(2, 0, "pairs");
    const auto a = draw_pairs(20, 4, 80, first), b = draw_pairs(20, 4, 80, second);
    int equal = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        equal += a[i].identity_a == b[i].identity_a && a[i].image_b == b[i].image_b ? 1 : 0;
    CHECK(equal < 30);
}
