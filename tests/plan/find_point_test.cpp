#include "plan/find_point.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "fairsweep/error.hpp"
#include "small_sweep.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::test;

TEST_CASE("a point is found by its whole id, by its short id and by any beginning that only it has") {
    const Plan plan = small_plan();
    for (const Point& point : plan.points) {
        CHECK(find_point(plan, point.id.hex()).id == point.id);
        CHECK(find_point(plan, point.id.short_hex()).id == point.id);
        std::string upper = point.id.short_hex();
        for (char& letter : upper) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
        CHECK(find_point(plan, upper).id == point.id);
    }
}

TEST_CASE("an unknown point is refused with the nearest ones") {
    const Plan plan = small_plan();
    std::string word = plan.points[5].id.short_hex();
    word[3] = word[3] == '0' ? '1' : '0';
    try {
        static_cast<void>(find_point(plan, word));
        FAIL("found a point that is not there");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        const std::string text = error.what();
        CHECK_THAT(text, ContainsSubstring("no point " + word));
        const std::string first = "nearest:\n    " + describe_point(plan, plan.points[5]);
        CHECK_THAT(text, ContainsSubstring(first));
        CHECK_THAT(text, ContainsSubstring("60 more"));
    }
}

TEST_CASE("an ambiguous point is refused with those meant") {
    Plan plan = small_plan();
    plan.points[1].id = plan.points[0].id;
    plan.points[1].id.bytes[31] ^= 1;
    const std::string word = plan.points[0].id.short_hex();
    CHECK_THROWS_WITH(find_point(plan, word), ContainsSubstring(describe_point(plan, plan.points[1])));
    CHECK(find_point(plan, plan.points[1].id.hex()).id == plan.points[1].id);
    plan.points[1].id = plan.points[0].id;  // the same point twice is not ambiguous
    CHECK(find_point(plan, word).id == plan.points[0].id);
}

TEST_CASE("what is no beginning of an id is refused") {
    const Plan plan = small_plan();
    for (const std::string word : {"", "abc", "dense", "xyzzyxyzzy12"})
        CHECK_THROWS_WITH(find_point(plan, word), ContainsSubstring("4 or more of 64 hex digits"));
    CHECK_THROWS_AS(find_point(plan, std::string(65, '0')), Error);
    CHECK_THROWS_WITH(find_point(Plan{}, "0123456789ab"), ContainsSubstring("one of its 0 points"));
}

TEST_CASE("a point is described by its axes") {
    const Plan plan = small_plan();
    const auto dense = std::find_if(plan.points.begin(), plan.points.end(), [](const Point& p) { return p.arm == Arm::dense; });
    const auto other =
        std::find_if(plan.points.begin(), plan.points.end(), [](const Point& p) { return p.arm == Arm::compressed; });
    CHECK_THAT(describe_point(plan, *dense), ContainsSubstring(dense->id.short_hex() + " dense " + dense->axes.architecture()));
    CHECK_THAT(describe_point(plan, *other),
               ContainsSubstring("bits " + other->axes.bits().text() + ", calibration " + other->axes.calibration()));
}
