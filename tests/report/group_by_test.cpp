#include "report/group_by.hpp"

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

ItemTable items_of_two_groupings() {
    ItemTable items;
    items.groups = {"A", "B"};
    items.group_begin = {0, 3, 5};
    items.label = {0, 1, 2, 3, 4};
    items.identity_a = items.identity_b = {10, 11, 12, 13, 14};
    items.groupings = {{"lamp", {"left", "right", "none"}, {1, 0, 1, 0, 1}}};
    return items;
}

}  // namespace

TEST_CASE("The same items in the groups of another column, with their responses") {
    const Regrouped by_lamp = group_by(items_of_two_groupings(), "lamp");
    CHECK(by_lamp.items.groups == std::vector<std::string>{"left", "right"});  // nobody has none
    CHECK(by_lamp.items.group_begin == std::vector<std::uint32_t>{0, 2, 5});
    CHECK(by_lamp.items.label == std::vector<std::uint8_t>{1, 3, 0, 2, 4});
    CHECK(by_lamp.items.identity_a == std::vector<std::uint32_t>{11, 13, 10, 12, 14});
    CHECK(by_lamp.reordered({0.F, .5F, 1.F, 1.5F, 2.F, 2.5F, 3.F, 3.5F, 4.F, 4.5F}) ==
          std::vector<float>{1.F, 1.5F, 3.F, 3.5F, 0.F, .5F, 2.F, 2.5F, 4.F, 4.5F});

    SECTION("back to the set's own groups") {
        const Regrouped back = group_by(by_lamp.items, "group");
        CHECK(back.items == by_lamp.items);  // "group" is always the grouping that the table has
        REQUIRE(by_lamp.items.groupings.size() == 1);
        CHECK(by_lamp.items.groupings[0].groups == std::vector<std::string>{"A", "B"});
        CHECK(by_lamp.items.groupings[0].group_of == std::vector<std::uint32_t>{0, 1, 0, 0, 1});
    }
}

TEST_CASE("The set's own grouping changes nothing; an unknown one is refused by name") {
    const ItemTable items = items_of_two_groupings();
    const Regrouped same = group_by(items, kOwnGrouping);
    CHECK(same.items == items);
    CHECK(same.reordered({0.F, 1.F, 2.F, 3.F, 4.F}) == std::vector<float>{0.F, 1.F, 2.F, 3.F, 4.F});
    CHECK_THROWS_WITH(group_by(items, "lmap"),
                      ContainsSubstring("one of group, lamp") && ContainsSubstring("did you mean lamp?"));
}
