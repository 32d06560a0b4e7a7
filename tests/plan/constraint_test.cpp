#include "plan/constraint.hpp"

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

Point example_point() {
    Point point;
    point.arm = Arm::compressed;
    point.axes[Axis::architecture] = "iresnet34";
    point.axes[Axis::training_set] = "bupt-balanced";
    point.axes[Axis::bits] = Bits{4, 8};
    point.axes[Axis::calibration] = "synthetic";
    point.axes[Axis::sparsity] = 0.5;
    point.axes[Axis::distillation] = "embedding";
    point.seed = 3;
    return point;
}

bool matches(const std::string& text, const Point& point = example_point()) {
    return ConstraintRule::parse(text, "test").matches(point);
}

}  // namespace

TEST_CASE("comparisons of words and numbers") {
    CHECK(matches("architecture == iresnet34"));
    CHECK_FALSE(matches("architecture != iresnet34"));
    CHECK(matches("training_set==bupt-balanced"));
    CHECK(matches("calibration != real"));
    CHECK(matches("distillation == embedding"));
    CHECK(matches("arm == compressed"));
    CHECK_FALSE(matches("arm == sham"));
    CHECK(matches("sparsity == 0.50"));
    CHECK(matches("sparsity >= 5e-1"));
    CHECK_FALSE(matches("sparsity > 0.5"));
    CHECK(matches("seed <= 3"));
    CHECK_FALSE(matches("seed < 3"));
}

TEST_CASE("bits are equal by text and ordered by weight width") {
    CHECK(matches("bits == w4a8"));
    CHECK_FALSE(matches("bits == 4"));
    CHECK(matches("bits != 8"));
    CHECK(matches("bits < 8"));
    CHECK(matches("bits >= 4"));
    CHECK_FALSE(matches("bits > 4"));
    Point point = example_point();
    point.axes[Axis::bits] = Bits{32, 32};
    CHECK(matches("bits == 32", point));
    CHECK_FALSE(matches("bits < 32", point));
}

TEST_CASE("and binds tighter than or, parentheses tighter than both") {
    CHECK(matches("seed == 3 or seed == 4 and arm == sham"));
    CHECK_FALSE(matches("(seed == 3 or seed == 4) and arm == sham"));
    CHECK(matches("arm == sham and seed == 4 or seed == 3"));
    CHECK_FALSE(matches("arm == sham and (seed == 4 or seed == 3)"));
    CHECK(matches("((seed==3))and((bits<8)and sparsity!=0)"));
    CHECK(matches("seed == 1 or seed == 2 or seed == 3"));
}

TEST_CASE("bad rules are reported with column and suggestion") {
    struct Case {
        const char* text;
        const char* column;
        const char* reported;
    };
    const Case cases[] = {
        {"", "column 1", "an axis"},
        {"bitz < 8", "column 1", "did you mean 'bits'?"},
        {"training-set == a", "column 1", "did you mean 'training_set'?"},
        {"bits", "column 5", "one of == !="},
        {"bits = 8", "column 6", "equality is written =="},
        {"bits < w4a8", "column 8", "ordered by their weight width"},
        {"bits <", "column 7", "a value"},
        {"architecture < iresnet34", "column 14", "has no order"},
        {"sparsity == much", "column 13", "a number"},
        {"seed == 3x", "column 9", "a number"},
        {"seed == 3 and", "column 14", "an axis"},
        {"seed == 3 bits == 4", "column 11", "'and', 'or' or the end"},
        {"(seed == 3", "column 11", "')'"},
        {"seed == 3)", "column 10", "'and', 'or' or the end"},
        {"seed == 3 && bits == 4", "column 11", "'and', 'or' or the end"},
        {"8 > bits", "column 1", "an axis"},
    };
    for (const Case& bad : cases) {
        INFO(bad.text);
        try {
            static_cast<void>(ConstraintRule::parse(bad.text, "job.cfg, line 7"));
            FAIL_CHECK("accepted");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::usage);
            CHECK_THAT(error.what(), ContainsSubstring("job.cfg, line 7"));
            CHECK_THAT(error.what(), ContainsSubstring(bad.column));
            CHECK_THAT(error.what(), ContainsSubstring(bad.reported));
        }
    }
    CHECK_THROWS_AS(ConstraintRule::parse(std::string(100000, '('), "x"), Error);
}
