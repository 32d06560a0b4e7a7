// What was planted in drawn faces stands beside what was found; without it nothing is said.
#include "report/planted.hpp"

#include "report/made_up_analysis.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

const std::string kOneHard =
    R"({"seed":7,"groups":[{"name":"A","identity_spread":1.0,"noise_multiplier":1.0},)"
    R"({"name":"B","identity_spread":0.25,"noise_multiplier":2.5},{"name":"C","identity_spread":1,"noise_multiplier":1}],)"
    R"("hardest_first":[["B"],["A","C"]]})";
const std::string kEqual =
    R"({"seed":1,"groups":[{"name":"A","identity_spread":1,"noise_multiplier":1},{"name":"B","identity_spread":1,"noise_multiplier":1}],)"
    R"("hardest_first":[["A","B"]]})";

/// Networks with these errors of the groups, in percent; the first `dense` of them are uncompressed.
std::pair<AnalysisInput, Analysis> networks(const std::vector<std::string>& groups,
                                            const std::vector<std::vector<double>>& errors, std::size_t dense) {
    AnalysisInput input = input_with_groups(groups);
    Analysis analysis;
    for (std::size_t i = 0; i < errors.size(); ++i) {
        input.points.emplace_back().point.arm = i < dense ? Arm::dense : Arm::compressed;
        Summary summary;
        summary.groups.resize(groups.size());
        for (std::size_t g = 0; g < groups.size(); ++g) {
            summary.groups[g].accuracy.value = 100.0 - errors[i][g];
            if (errors[i][g] > errors[i][summary.worst_group]) summary.worst_group = g;
        }
        analysis.points.push_back({i, summary});
    }
    return {input, analysis};
}

}  // namespace

TEST_CASE("the banner says that faces are drawn, what was planted, and what was found in how many networks") {
    auto [input, analysis] = networks({"A", "B", "C"}, {{2, 14, 4}, {3, 16, 3}, {9, 8, 7}}, 2);
    analysis.planted = parse_planted(kOneHard, input.groups);
    const std::vector<std::string> banner = make_banner(input, analysis);
    REQUIRE(banner.size() == 3);
    CHECK(banner[0].starts_with("Drawn faces: the people of the evaluation set were drawn by fairsweep."));
    CHECK(banner[1] ==
          "Planted, hardest first: B, then A and C (equally hard) (B: identity spread 0.25, picture noise 2.5; 1 is usual).");
    CHECK(banner[2] ==
          "Found: B has the most errors in 2 of 3 networks. Mean error of the uncompressed networks, largest first: B 15.0 %, C "
          "3.5 "
          "%, A 2.5 %.");
}

TEST_CASE("faces with nothing planted say that, and which groups were found worst") {
    auto [input, analysis] = networks({"A", "B"}, {{2, 1}, {1, 2}, {3, 1}}, 0);
    analysis.planted = parse_planted(kEqual, input.groups);
    const std::vector<std::string> banner = make_banner(input, analysis);
    REQUIRE(banner.size() == 3);
    CHECK(banner[1] == "Planted: no group is harder than another.");
    CHECK(
        banner[2] ==
        "Found: of 3 networks, the group with the most errors is A in 2 and B in 1. Mean error of all networks, largest first: A "
        "2.0 %, B 1.3 %.");
}

TEST_CASE("nothing is said of faces that are not known to be drawn, or by a file about other groups") {
    auto [input, analysis] = networks({"A", "B", "C"}, {{2, 14, 4}}, 1);
    CHECK(make_banner(input, analysis).empty());
    CHECK(parse_planted(kOneHard, {"C", "A", "B"}).value().groups.at(2).rank == 1);  // in any order
    for (const std::vector<std::string>& groups :
         {std::vector<std::string>{"A", "B"}, {"A", "B", "D"}, {"African", "Asian", "Caucasian"}, {}})
        CHECK_FALSE(parse_planted(kOneHard, groups));
    for (const char* text : {"", "{}", "[1]", "nonsense", R"({"seed":1,"groups":[{"name":"A"}],"hardest_first":[]})",
                             R"({"seed":1,"groups":[{"name":"A","identity_spread":1,"noise_multiplier":1}],"hardest_first":[]})"})
        CHECK_FALSE(parse_planted(text, {"A"}));
}
