#include "metrics/pair_checks.hpp"

#include <vector>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

/// One group after another, `genuine` and impostor pairs of people that nobody shares.
ItemTable table(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& groups) {
    ItemTable pairs;
    pairs.group_begin.push_back(0);
    std::uint32_t person = 0;
    for (const auto& [genuine, impostor] : groups) {
        pairs.groups.push_back(std::string(1, static_cast<char>('A' + pairs.groups.size())));
        for (std::uint32_t i = 0; i < genuine + impostor; ++i) {
            pairs.label.push_back(i < genuine ? 1 : 0);
            pairs.identity_a.push_back(person++);
            pairs.identity_b.push_back(i < genuine ? pairs.identity_a.back() : person++);
        }
        pairs.group_begin.push_back(pairs.size());
    }
    return pairs;
}

}  // namespace

TEST_CASE("groups without both kinds of pairs or ten of them cannot be judged") {
    CHECK_NOTHROW(refuse_unusable_groups(table({{5, 5}, {1, 9}}), "set"));
    CHECK_THROWS_WITH(refuse_unusable_groups(table({{5, 5}, {4, 5}}), "set"),
                      ContainsSubstring("group B") && ContainsSubstring("9 pairs") && ContainsSubstring("set"));
    CHECK_THROWS_WITH(refuse_unusable_groups(table({{0, 12}}), "set"), ContainsSubstring("none of the same person"));
    CHECK_THROWS_WITH(refuse_unusable_groups(table({{12, 0}}), "set"), ContainsSubstring("none of different people"));
}

TEST_CASE("images paired with themselves and pairs that stand twice are counted, with the first of each") {
    const ItemTable pairs = table({{2, 2}, {1, 2}});
    const std::vector<std::uint32_t> a{0, 1, 2, 3, 0, 2, 3}, b{1, 1, 3, 2, 1, 3, 2};
    const auto warnings = repeated_pair_warnings(pairs, a, b);
    REQUIRE(warnings.size() == 2);
    CHECK_THAT(warnings[0], ContainsSubstring("1 pair (pair 2 of group A) of an image with itself"));
    CHECK_THAT(warnings[1], ContainsSubstring("2 pairs (first: pair 4 of group A)"));
    const std::vector<std::uint32_t> c{0, 1, 2, 3, 4, 5, 6}, d{7, 8, 9, 10, 11, 12, 13};
    CHECK(repeated_pair_warnings(pairs, c, d).empty());
}

TEST_CASE("people of many groups and of contradicting pairs are reported") {
    ItemTable pairs = table({{5, 5}, {5, 5}});
    CHECK_FALSE(shared_people_warning(pairs));
    CHECK_FALSE(contradiction_warning(pairs));
    pairs.identity_b[7] = pairs.identity_a[7];
    CHECK_THAT(contradiction_warning(pairs).value(), ContainsSubstring("1 pair (pair 8 of group A)"));
    std::vector<std::uint8_t> is_one(20, 0);
    CHECK_FALSE(equal_images_warning(pairs, is_one));
    is_one[11] = 1;
    CHECK_THAT(equal_images_warning(pairs, is_one).value(), ContainsSubstring("1 pair (pair 2 of group B) with the score 1"));
    ItemTable renumbered = table({{5, 5}, {5, 5}});
    for (std::uint32_t p = 10; p < 20; ++p) {
        renumbered.identity_a[p] -= 15;
        renumbered.identity_b[p] -= 15;
    }
    CHECK_THAT(shared_people_warning(renumbered).value(), ContainsSubstring("15 of 15 identities"));
}
