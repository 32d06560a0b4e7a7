#include "faces/groups.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::faces;

namespace {

std::string hardest(std::uint64_t seed) {
    return nlohmann::json::parse(planted_json(parse_groups("A,B,C,D", seed), seed)).at("hardest");
}

void write(const std::string& name, const std::string& text) { std::ofstream(name) << text; }

std::string refusal(const std::string& groups) {
    try {
        static_cast<void>(parse_groups(groups, 1));
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("names alone: exactly one group is hard, and the seed says which, whatever its look") {
    std::set<std::string> hard_names;
    std::set<std::size_t> hard_looks;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const std::vector<Group> groups = parse_groups("A,B,C,D", seed);
        std::set<std::size_t> looks;
        int hard = 0;
        for (const Group& group : groups) {
            looks.insert(group.look);
            if (group.spread == 1.0 && group.noise == 1.0) continue;
            ++hard;
            CHECK(group.spread == 0.25);
            CHECK(group.noise == 2.5);
            hard_names.insert(group.name);
            hard_looks.insert(group.look);
        }
        CHECK(hard == 1);
        CHECK(looks.size() == 4);
    }
    CHECK(hard_names.size() == 4);
    CHECK(hard_looks.size() == 4);
    CHECK(parse_groups("A,B,C,D", 5) == parse_groups("A,B,C,D", 5));
}

TEST_CASE("a groups file gives spread and noise by name; looks still come from the seed") {
    write("groups.csv", "# difficulty\nnorth, 1, 1\n\nsouth,0.5,2   # harder\n");
    const std::vector<Group> groups = parse_groups("groups.csv", 1);
    REQUIRE(groups.size() == 2);
    CHECK(groups[0].name == "north");
    CHECK(groups[1].spread == 0.5);
    CHECK(groups[1].noise == 2.0);
    std::set<std::size_t> looks;
    for (std::uint64_t seed = 0; seed < 60; ++seed) looks.insert(parse_groups("groups.csv", seed)[1].look);
    CHECK(looks.size() == kLookCount);
}

TEST_CASE("what cannot be a groups list is refused with file and line") {
    CHECK_THAT(refusal("A,A"), ContainsSubstring("twice"));
    CHECK_THAT(refusal("A,../B"), ContainsSubstring("cannot"));
    CHECK_THAT(refusal("A,,B"), ContainsSubstring("letters"));
    CHECK_THAT(refusal("two words"), ContainsSubstring("letters"));
    write("broken.csv", "A,1,1\nB,0.5\n");
    CHECK_THAT(refusal("broken.csv"), ContainsSubstring("line 2"));
    write("number.csv", "A,1,loud\n");
    CHECK_THAT(refusal("number.csv"), ContainsSubstring("noise 'loud'"));
    write("range.csv", "A,-1,1\n");
    CHECK_THAT(refusal("range.csv"), ContainsSubstring("0 to 4"));
    write("nan.csv", "A,nan,1\n");
    CHECK_THAT(refusal("nan.csv"), ContainsSubstring("spread 'nan'"));
    write("empty.csv", "# nothing\n");
    CHECK_THAT(refusal("empty.csv"), ContainsSubstring("0 groups"));
    CHECK_THROWS_AS(parse_groups("./absent.csv", 1), Error);
}

TEST_CASE("planted.json orders groups by difficulty and names the hardest only when one is") {
    write("order.csv", "A,1,1\nB,0.25,2.5\nC,0.5,1\n");
    const auto planted = nlohmann::json::parse(planted_json(parse_groups("order.csv", 2), 2));
    CHECK(planted.at("order_hardest_first") == nlohmann::json({"B", "C", "A"}));
    CHECK(planted.at("hardest") == "B");
    CHECK(planted.at("groups").at(1).at("identity_spread") == 0.25);
    CHECK(planted.at("groups").at(1).at("mean_z").size() == kTraitCount);
    const auto usual = nlohmann::json::parse(planted_json(parse_groups("A,B,C,D", 1), 1));
    CHECK(hardest(1) == usual.at("order_hardest_first").at(0).get<std::string>());
    write("equal.csv", "A,1,1\nB,1,1\n");
    CHECK(nlohmann::json::parse(planted_json(parse_groups("equal.csv", 2), 2)).at("hardest").is_null());
}
