#include "job/values.hpp"

#include <cstdlib>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

JobEntry entry_of(const std::string& value) { return {"data.a", "path", value, "job.cfg, line 1, key data.a.path"}; }

}  // namespace

TEST_CASE("bit widths") {
    CHECK(parse_bits("8") == Bits{8, 8});
    CHECK(parse_bits("w4a8") == Bits{4, 8});
    CHECK(parse_bits("w4a4") == Bits{4, 4});
    CHECK(parse_bits("w8a32") == Bits{8, 32});
    CHECK(parse_bits("2") == Bits{2, 2});
    CHECK(parse_bits("16") == Bits{16, 16});
    for (const char* text :
         {"", "0", "1", "17", "31", "33", "+8", " 8", "8 ", "w", "a8", "w8", "w8a", "wa8", "w8a8a8", "W4A8", "eight", "8.0"}) {
        INFO(text);
        CHECK_FALSE(parse_bits(text).has_value());
    }
}

TEST_CASE("paths take variables from the environment") {
    ::setenv("FAIRSWEEP_TEST_SET", "/some where", 1);
    ::setenv("FAIRSWEEP_TEST_EMPTY", "", 1);
    ::unsetenv("FAIRSWEEP_TEST_UNSET");
    CHECK(expand_path(entry_of("plain/$path")) == "plain/$path");
    CHECK(expand_path(entry_of("${FAIRSWEEP_TEST_SET}/a/${FAIRSWEEP_TEST_SET}")) == "/some where/a//some where");
    CHECK(expand_path(entry_of("${FAIRSWEEP_TEST_UNSET:-/default}/a")) == "/default/a");
    CHECK(expand_path(entry_of("${FAIRSWEEP_TEST_SET:-/default}/a")) == "/some where/a");
    CHECK(expand_path(entry_of("${FAIRSWEEP_TEST_EMPTY:-/default}/a")) == "/default/a");
    CHECK(expand_path(entry_of("${FAIRSWEEP_TEST_EMPTY}a")) == "a");
    CHECK(expand_path(entry_of("${FAIRSWEEP_TEST_UNSET:-}b")) == "b");
    CHECK(expand_path(entry_of("a/${FAIRSWEEP_TEST_UNSET}/b")) == "a/${FAIRSWEEP_TEST_UNSET}/b");
}

TEST_CASE("numbers are read whole or not at all") {
    CHECK(parse_number("1e-3") == 1e-3);
    CHECK(parse_number("0.5") == 0.5);
    CHECK(parse_integer("-7") == -7);
    for (const char* text : {"", "1x", "1 ", "0x10", "nan", "inf", "1e999"}) {
        INFO(text);
        CHECK_FALSE(parse_number(text).has_value());
    }
    for (const char* text : {"", "1.0", "1e3", "9223372036854775808"}) {
        INFO(text);
        CHECK_FALSE(parse_integer(text).has_value());
    }
    CHECK(parse_switch("yes") == true);
    CHECK(parse_switch("off") == false);
    CHECK_FALSE(parse_switch("maybe").has_value());
}

TEST_CASE("names that enter file names and rules are plain") {
    CHECK(is_plain_name("bupt-balanced_2"));
    CHECK_FALSE(is_plain_name(""));
    CHECK_FALSE(is_plain_name("a/b"));
    CHECK_FALSE(is_plain_name("a b"));
    CHECK_FALSE(is_plain_name(".."));
    CHECK_FALSE(is_plain_name(std::string(65, 'a')));
}
