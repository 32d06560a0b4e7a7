/// Lists of pairs as people have them: every form gives the same pairs, and what can be read two ways is refused.
#include "data/pair_list.hpp"

#include <string>

#include "data/unicode.hpp"
#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

/// Pairs of a list in one form, for comparison.
std::string text_of(const PairList& list) {
    std::string text;
    for (const PairLine& p : list.pairs)
        text += p.identity_a + " " + std::to_string(p.number_a) + (p.genuine ? " = " : " / ") + p.identity_b + " " +
                std::to_string(p.number_b) + "\n";
    for (const LabelledPairLine& p : list.labelled) text += p.path_a + (p.genuine ? " = " : " / ") + p.path_b + "\n";
    return text;
}

std::string read(const std::string& text) { return text_of(parse_pair_list(text, "p.txt")); }

constexpr const char* kTwo = "m.0a 1 = m.0a 2\nm.0a 1 / m.0b 10\n";

}  // namespace

TEST_CASE("pair lists: separators, line ends, byte order marks and first lines do not change the pairs") {
    for (const char* text : {
             "m.0a\t1\t2\nm.0a\t1\tm.0b\t10\n",
             "\xef\xbb\xbfm.0a\t1\t2\nm.0a\t1\tm.0b\t10\n",
             "m.0a 1 2\r\nm.0a 1 m.0b 10",
             "m.0a,1,2\nm.0a,1,m.0b,10\n",
             "m.0a, 1, 2,\nm.0a, 1, m.0b, 10\n",  // Kaggle's LFW lists fill up with commas
             "m.0a;1;2\nm.0a;1;m.0b;10\n\n \n",
             "10\t300\nm.0a\t1\t2\nm.0a\t1\tm.0b\t10\n",
             "1100\nm.0a\t1\t2\nm.0a\t1\tm.0b\t10\n",
             "name,imagenum1,imagenum2,\nm.0a,1,2,\nm.0a,1,m.0b,10\n",
             "name1 image_1 name2 image_2\nm.0a 1 2\nm.0a 1 m.0b 10\n",
             "\n  m.0a 1 2  \t\n\tm.0a\t1\tm.0b\t10  \n",
         })
        CHECK(read(text) == kTwo);
    CHECK(parse_pair_list("10 300\nm.0a 1 2\n", "p.txt").promised == 6000);
    CHECK(parse_pair_list("m.0a 1 2\n", "p.txt").promised == 0);
}

TEST_CASE("pair lists: names with blanks stand between TABs or commas") {
    const std::string expected = "Maria del Mar 1 = Maria del Mar 2\nMaria del Mar 1 / Bo 3\n";
    CHECK(read("Maria del Mar\t1\t2\nMaria del Mar\t1\tBo\t3\n") == expected);
    CHECK(read("Maria del Mar,1,2\nMaria del Mar,1,Bo,3\n") == expected);
    // One pair between TABs and another between blanks: neither is taken.
    CHECK_THROWS_WITH(parse_pair_list("x 1\t2\t3\n", "p.txt"),
                      ContainsSubstring("p.txt, line 1") && ContainsSubstring("TABs") && ContainsSubstring("blanks"));
    // Where other lines are pairs between TABs alone, TABs it is.
    CHECK(read("x 1\t2\t3\nx 1\t2\tx 2\t3\n") == "x 1 2 = x 1 3\nx 1 2 / x 2 3\n");
}

TEST_CASE("pair lists: two paths and a label") {
    const std::string expected = "a/a_0001.jpg = a/a_0002.jpg\na/a_0001.jpg / b/b_0001.jpg\n";
    CHECK(read("a/a_0001.jpg a/a_0002.jpg 1\na/a_0001.jpg b/b_0001.jpg 0\n") == expected);
    CHECK(read("path1,path2,label\na/a_0001.jpg,a/a_0002.jpg,1\na/a_0001.jpg,b/b_0001.jpg,0\n") == expected);
    CHECK(read("a\\a_0001.jpg\ta\\a_0002.jpg\t1\na\\a_0001.jpg\tb\\b_0001.jpg\t0\n") == expected);
    const auto refuses = [](const std::string& text, int line, const std::string& what) {
        CHECK_THROWS_WITH(parse_pair_list(text, "p.txt"),
                          ContainsSubstring("p.txt, line " + std::to_string(line)) && ContainsSubstring(what));
    };
    refuses("a/a.jpg b/b.jpg -1\n", 1, "write 0 for -1");
    refuses("a/a.jpg b/b.jpg 2\n", 1, "'2' after two images");
    refuses("a/a.jpg b/b.jpg 1\na 1 2\n", 2, "another form");
    refuses("a 1 2\na/a.jpg b/b.jpg 1\n", 2, "another form");
    CHECK_THROWS_WITH(parse_pairs("a/a.jpg b/b.jpg 1\n", "p.txt"), ContainsSubstring("two paths and a label"));
}

TEST_CASE("pair lists: what is none is said with file and line") {
    for (const char* empty : {"", "\n \n", "10 300\n", "\xef\xbb\xbf"})
        CHECK_THROWS_WITH(parse_pair_list(empty, "empty.txt"), ContainsSubstring("empty.txt") && ContainsSubstring("no pair"));
    CHECK_THROWS_WITH(parse_pair_list("m.0a,1,2\nm.0a,1,x,2,3\n", "p.txt"),
                      ContainsSubstring("p.txt, line 2") && ContainsSubstring("5 fields"));
    CHECK_THROWS_WITH(parse_pair_list(std::string("\xff\xfe\x61\x00", 4), "p.txt"), ContainsSubstring("UTF-16"));
    CHECK_THROWS_WITH(refuse_contradictions(parse_pairs("a 1 2\na 1 a 2\n", "p.txt"), "p.txt"),
                      ContainsSubstring("p.txt, line 2") && ContainsSubstring("one person twice") && ContainsSubstring("a 1 2"));
    CHECK_NOTHROW(refuse_contradictions(parse_pairs("a 1 1\na 1 b 2\n", "p.txt"), "p.txt"));
}

TEST_CASE("texts: composed letters, bytes that are no text") {
    CHECK(composed_text("Jose\xcc\x81") == "Jos\xc3\xa9");
    CHECK(composed_text("Jos\xc3\xa9") == "Jos\xc3\xa9");
    CHECK(composed_text("abc") == "abc");
    CHECK_FALSE(composed_text("Jos\xe9"));
    CHECK(is_utf8(""));
    CHECK_FALSE(is_utf8("\xc3"));
    CHECK(shown_text("Jos\xc3\xa9\t\xe9") == "Jos\xc3\xa9\\x09\\xe9");
    CHECK(shown_text(std::string(200, 'a')).size() == 123);
}
