/// Tables of scores as people have them.
#include "data/score_csv.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

ScoreList read(const std::string& text, const ColumnNames& names = {}) { return parse_score_csv(text, "s.csv", names); }

void check_two_pairs(const ScoreList& list) {
    CHECK(list.pairs.groups == std::vector<std::string>{"A"});
    CHECK(list.pairs.label == std::vector<std::uint8_t>{1, 0});
    CHECK(list.scores == std::vector<double>{0.5, 0.25});
}

bool warns(const ScoreList& list, const std::string& text) {
    return std::ranges::any_of(list.warnings, [&](const std::string& w) { return w.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("tables of scores: the spellings of `same`") {
    const std::vector<std::pair<std::string, std::string>> spellings{{"1", "0"},
                                                                     {"1.0", "0.0"},
                                                                     {"True", "False"},
                                                                     {"TRUE", "FALSE"},
                                                                     {"yes", "no"},
                                                                     {"genuine", "impostor"},
                                                                     {"Genuine", "Imposter"},
                                                                     {"same", "different"},
                                                                     {"match", "nonmatch"},
                                                                     {"1e0", "-0.0"}};
    for (const auto& [yes, no] : spellings) check_two_pairs(read("group,same,score\nA," + yes + ",0.5\nA," + no + ",0.25\n"));
    CHECK_THROWS_WITH(read("group,same,score\nA,1,0.5\nA,-1,0.25\n"),
                      ContainsSubstring("s.csv, line 3") && ContainsSubstring("write 0"));
    for (const char* bad : {"2", "0.5", "", "maybe", "nan"})
        CHECK_THROWS_WITH(read(std::string("group,same,score\nA,") + bad + ",0.5\n"), ContainsSubstring("line 2"));
}

TEST_CASE("tables of scores: separators, byte order mark, letters' case, other names") {
    check_two_pairs(read("group;same;score\nA;1;0.5\nA;0;0.25\n"));
    check_two_pairs(read("group\tsame\tscore\r\nA\t1\t0.5\r\nA\t0\t0.25"));
    check_two_pairs(read("\"group\";\"same\";\"score\";\"a,b,c,d\"\nA;1;0.5;\nA;0;0.25;\n"));
    check_two_pairs(read("\xef\xbb\xbfGroup,SAME, Score\nA,1,0.5\nA,0,0.25\n"));
    check_two_pairs(read("race,label,score\nA,1,0.5\nA,0,0.25\n", parse_column_names("group=race,same=label")));
    check_two_pairs(read("Race,label,Group,score\nA,1,9,0.5\nA,0,9,0.25\n", parse_column_names("group=race, same=label")));
    // In its own case a name is meant, whatever stands beside it.
    check_two_pairs(read("GROUP,group,same,score\n9,A,1,0.5\n9,A,0,0.25\n"));
    CHECK_THROWS_WITH(read("GROUP,Group,same,score\n"), ContainsSubstring("two columns group"));
    CHECK_THROWS_WITH(read("group;same;score\nA;1;0,5\n"), ContainsSubstring("line 2") && ContainsSubstring("decimal points"));
    CHECK_THROWS_WITH(read(std::string("\xff\xfeg\0", 4)), ContainsSubstring("UTF-16"));
    CHECK_THROWS_WITH(read(""), ContainsSubstring("s.csv") && ContainsSubstring("empty file"));
}

TEST_CASE("tables of scores: an absent column shows the first line and the option that helps") {
    CHECK_THROWS_WITH(read("race,label,distance\n"),
                      ContainsSubstring("no column group, same, score in the first line: race, label, distance") &&
                          ContainsSubstring("--columns group=race,same=label,score=distance --distance"));
    CHECK_THROWS_WITH(read("group,who,score\n"), ContainsSubstring("--columns same=COLUMN"));
    CHECK_THROWS_WITH(read("group,same,score\n", parse_column_names("score=sim")), ContainsSubstring("no column sim"));
    CHECK_THROWS_WITH(read("group,same,score\n", parse_column_names("fold=part")), ContainsSubstring("no column part"));
    CHECK_THROWS_WITH(read("group score same\n"), ContainsSubstring("group score same"));
    for (const char* bad : {"group", "=race", "group=", "grup=race", "group=a,group=b", ""})
        CHECK_THROWS_AS(parse_column_names(bad), Error);
    CHECK_THROWS_WITH(parse_column_names("grup=race"), ContainsSubstring("did you mean group"));
}

TEST_CASE("tables of scores: an identity that is missing is nobody else's") {
    const std::string header = "group,same,score,identity_a,identity_b\n";
    for (const char* nobody : {"", "nan", "NaN", "NA", "None", "null", "<NA>"}) {
        const std::string n = nobody;
        const ScoreList list = read(header + "A,1,0.9," + n + "," + n + "\nA,0,0.1," + n + "," + n + "\nA,1,0.8,p," + n +
                                    "\nA,0,0.2,p,q\nA,1,0.7,p,p\n");
        CHECK(list.identities_known);
        const auto& a = list.pairs.identity_a;
        const auto& b = list.pairs.identity_b;
        CHECK(a[0] == b[0]);  // one unknown person
        CHECK(a[1] != b[1]);  // two others
        CHECK(a[1] != a[0]);
        CHECK(b[1] != a[0]);
        CHECK((a[2] == b[2] && a[2] == a[3] && a[2] == a[4]));  // p, as `same` says
        CHECK(warns(list, "in 3 pairs (first: line 2), of 5 in all"));
    }
    const ScoreList none = read(header + "A,1,0.9,,\nA,0,0.1,,\n");
    CHECK_FALSE(none.identities_known);
    CHECK(none.warnings.empty());
    CHECK(read(header + "A,1,0.9,Nan,Nan\nA,0,0.1,Nan,q\n").warnings.empty());  // a name of people
}

TEST_CASE("tables of scores: contradictions and repeated lines are reported with the first line") {
    const std::string header = "group,same,score,identity_a,identity_b\n";
    CHECK(warns(read(header + "A,1,0.9,p,p\nA,1,0.9,p,q\nA,0,0.1,q,q\n"), "2 pairs (first: line 3)"));
    CHECK(warns(read(header + "A,1,0.9,p,p\nA,0,0.1,p,q\nA,1,0.9,p,p\n"), "in 1 line (line 4)"));
    CHECK_FALSE(warns(read(header + "A,1,0.9,p,p\nA,0,0.1,,\nA,0,0.1,,\n"), "earlier line"));         // nobody twice
    CHECK(read("group,same,score\nA,1,0.9\nA,1,0.9\nA,0,0.1\nA,0,0.2\nA,0,0.3\n").warnings.empty());  // rounded scores
    CHECK(warns(read("group,same,score\nA,1,0.9\nA,0,0.1\nA,1,0.9\nA,0,0.1\n"), "in 2 lines (first: line 4)"));
}

TEST_CASE("tables of scores: folds as they are given") {
    std::string text = "group,same,score,fold\n";
    for (int i = 0; i < 10; ++i) text += "A," + std::to_string(i % 2) + ",0.5," + std::to_string(i % 5) + "\n";
    const ScoreList list = read(text);
    CHECK(list.folds == std::vector<std::uint32_t>{0, 0, 1, 1, 2, 2, 3, 3, 4, 4});
    CHECK(read(text, parse_column_names("fold=")).folds.empty());
    const std::string one = "group,same,score,fold\nA,1,0.5,1\nA,0,0.25,1\n";
    CHECK_THROWS_WITH(
        read(one), ContainsSubstring("1 folds in group A") && ContainsSubstring("--columns fold=") && !ContainsSubstring("line"));
    CHECK_THROWS_WITH(read("group,same,score,fold\nA,1,0.5,\n"), ContainsSubstring("line 2") && ContainsSubstring("empty fold"));
}

TEST_CASE("tables of scores: groups are texts with a name") {
    CHECK_THROWS_WITH(read("group,same,score\nCura\xe7\x61o,1,0.5\n"),
                      ContainsSubstring("line 2") && ContainsSubstring("Cura\\xe7ao") && ContainsSubstring("UTF-8"));
    CHECK_THROWS_WITH(read("group,same,score\nnan,1,0.5\n"), ContainsSubstring("line 2"));
    CHECK(read("group,same,score\nJose\xcc\x81,1,0.5\nJos\xc3\xa9,0,0.25\n").pairs.groups.size() == 1);
}
