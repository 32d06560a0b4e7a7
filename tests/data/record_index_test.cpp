/// .idx and property: read as MXNet writes them, refused line by line.
#include "data/record_index.hpp"

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("an index is read back by key, in any order") {
    const std::vector<IndexEntry> entries{{1, 0}, {2, 480}, {4, 123456789012}, {0, 960}};
    write_record_index("a.idx", entries);
    CHECK(read_text_file("a.idx") == "1\t0\n2\t480\n4\t123456789012\n0\t960\n");
    CHECK(read_record_index("a.idx") == std::vector<std::uint64_t>{960, 0, 480, kNoOffset, 123456789012});
}

TEST_CASE("an index is read over chunk borders, with and without the last newline, with CRLF and blanks") {
    std::string text;
    std::vector<std::uint64_t> expected;
    for (std::uint64_t key = 0; key < 200000; ++key) {
        text += std::to_string(key) + "\t" + std::to_string(key * 7919) + (key % 3 == 0 ? "\r\n" : "\n");
        expected.push_back(key * 7919);
    }
    REQUIRE(text.size() > (2u << 20));
    write_file_atomically("a.idx", text + "\n  \n");
    CHECK(read_record_index("a.idx") == expected);
    write_file_atomically("a.idx", text.substr(0, text.size() - 1));
    CHECK(read_record_index("a.idx") == expected);
    write_file_atomically("a.idx", std::string_view(""));
    CHECK(read_record_index("a.idx").empty());
}

TEST_CASE("a bad index line is named") {
    const auto bad = [](std::string_view text, const std::string& what) {
        write_file_atomically("a.idx", text);
        CHECK_THROWS_WITH(read_record_index("a.idx"), ContainsSubstring("a.idx, line ") && ContainsSubstring(what));
    };
    bad("0\t0\nx\t5\n", "x\t5");
    bad("0\t0\n1\n", "line 2");
    bad("0\t0\n1\t\n", "line 2");
    bad("0\t0\n1\t5 6\n", "1\t5 6");
    bad("0\t0\n1\t-5\n", "1\t-5");
    bad("0\t0\n1\t99999999999999999999\n", "line 2");
    bad("0\t0\n1\t18446744073709551615\n", "line 2");
    bad("0\t0\n0\t5\n", "key 0 again");
    bad("0\t0\n4000000000000\t5\n", "key 4000000000000");
    bad(std::string(3 << 20, '7'), "more than 256 bytes");
    bad(std::string(3 << 20, ' ') + "\n0\t0\n", "more than 256 bytes");
    bad(std::string("\0\0\0\0", 4), "line 1");
    CHECK_THROWS_WITH(read_record_index("none.idx"), ContainsSubstring("none.idx"));
}

TEST_CASE("property holds identities, rows and columns") {
    write_record_property("property", {.identities = 93431, .rows = 112, .cols = 96});
    CHECK(read_text_file("property") == "93431,112,96\n");
    const RecordProperty property = read_record_property("property");
    CHECK(property.identities == 93431);
    CHECK(property.rows == 112);
    CHECK(property.cols == 96);
    for (const char* text : {"93431, 112 ,96\r\n",
                             "\xef\xbb\xbf"
                             "93431,112,96",
                             " 93431,112,96\n\n"}) {
        write_file_atomically("property", std::string_view(text));
        CHECK(read_record_property("property").identities == 93431);
        CHECK(read_record_property("property").cols == 96);
    }
    for (const char* text : {"", "5", "5,112", "5,112,112,3", "0,112,112", "5,-1,112", "5,112,x", "5,112,99999", "5.0,112,112"}) {
        write_file_atomically("property", std::string_view(text));
        CHECK_THROWS_WITH(read_record_property("property"), ContainsSubstring("93431,112,112"));
    }
    CHECK_THROWS_WITH(read_record_property("none"), ContainsSubstring("none"));
}
