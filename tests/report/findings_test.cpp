// Every sentence of the findings, on figures made up by hand.
#include "report/findings.hpp"

#include <algorithm>

#include "report/change_findings.hpp"
#include "report/made_up_analysis.hpp"
#include "report/names.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

const std::string kSham = "compressed - sham";

/// A dense and a sham configuration, and one compressed for each width, sparsity and change of the average accuracy.
struct Cost {
    Bits bits;
    double sparsity;
    double points;
    double p = 0.5;
};

Analysis analysis_of_costs(const std::vector<Cost>& costs) {
    Analysis analysis;
    add_configuration(analysis, configuration_with(Arm::dense, {}));
    const std::size_t sham = add_configuration(analysis, configuration_with(Arm::sham, {}));
    for (const Cost& cost : costs) {
        const std::size_t treated = add_configuration(analysis, configuration_with(Arm::compressed, cost.bits, cost.sparsity));
        add_change(analysis, treated, sham, kSham, "average", cost.points, cost.p);
    }
    return analysis;
}

/// The same for changes of the gap of group "B".
Analysis analysis_of_gaps(const std::vector<std::pair<double, double>>& points_and_p) {
    Analysis analysis;
    add_configuration(analysis, configuration_with(Arm::dense, {}));
    const std::size_t sham = add_configuration(analysis, configuration_with(Arm::sham, {}));
    int bits = 8;
    for (const auto& [points, p] : points_and_p) {
        const std::size_t treated = add_configuration(analysis, configuration_with(Arm::compressed, {bits, bits}));
        add_change(analysis, treated, sham, kSham, "gap", points, p, "B");
        --bits;
    }
    return analysis;
}

}  // namespace

TEST_CASE("costs are told width by width, then sparsity by sparsity, then for both, and never pooled over the other") {
    const Analysis analysis = analysis_of_costs(
        {{{4, 4}, 0.7, -9.0, 0.01}, {{8, 8}, 0.7, -3.3}, {{32, 32}, 0.7, -3.2}, {{4, 4}, 0, -1.0}, {{8, 8}, 0, 0.4}});
    const std::vector<std::string> findings = cost_findings(analysis);
    REQUIRE(findings.size() == 5);
    CHECK(findings[0] ==
          "8 bits, nothing pruned: average accuracy changes by +0.4 points [-0.6, +1.4] (net, 8 bits, real calibration), against "
          "the same fine-tuning without compression; not clear of chance.");
    CHECK(findings[1].starts_with("4 bits, nothing pruned: average accuracy changes by -1.0 points [-2.0, 0.0]"));
    CHECK(findings[2].starts_with("Pruning alone (32 bits), sparsity 0.7: average accuracy changes by -3.2 points"));
    CHECK(findings[3].starts_with("8 bits and sparsity 0.7: average accuracy changes by -3.3 points"));
    CHECK(findings[4].starts_with("4 bits and sparsity 0.7"));
    CHECK_THAT(findings[4], ContainsSubstring("compression; clear of chance."));
}

TEST_CASE("of several configurations of a choice the extremes stand with names and intervals") {
    Analysis analysis = analysis_of_costs({{{8, 8}, 0, -0.43, 0.01}});
    const auto add = [&analysis](const char* architecture, double points) {
        const std::size_t treated = add_configuration(analysis, configuration_with(Arm::compressed, {8, 8}, 0.0, architecture));
        add_change(analysis, treated, 1, kSham, "average", points, 0.6);
    };
    add("other", 0.36);
    REQUIRE(cost_findings(analysis).size() == 1);
    CHECK(
        cost_findings(analysis)[0] ==
        "8 bits, nothing pruned: average accuracy changes by between -0.4 points [-1.4, +0.6] (net, 8 bits, real calibration) "
        "and "
        "+0.4 points [-0.6, +1.4] (other, 8 bits, real calibration), against the same fine-tuning without compression; clear of "
        "chance in 1 of 2.");
}

TEST_CASE("equal extremes are one number") {
    Analysis analysis = analysis_of_costs({{{8, 8}, 0, -0.42}});
    const std::size_t treated = add_configuration(analysis, configuration_with(Arm::compressed, {8, 8}, 0.0, "other"));
    add_change(analysis, treated, 1, kSham, "average", -0.38, 0.6);
    CHECK_THAT(cost_findings(analysis)[0],
               ContainsSubstring("changes by -0.4 points in each of 2 cases, from [-1.4, +0.6] (net"));
    CHECK_THAT(cost_findings(analysis)[0], ContainsSubstring("clear of chance in none of 2"));
}

TEST_CASE("many choices end in a word on the rest") {
    std::vector<Cost> costs;
    for (int bits = 2; bits <= 16; ++bits) costs.push_back({{bits, bits}, 0, -1.0});
    const std::vector<std::string> findings = cost_findings(analysis_of_costs(costs));
    REQUIRE(findings.size() == 13);
    CHECK_THAT(findings[0], ContainsSubstring("16 bits"));
    CHECK(findings[12] == "3 more combinations of bits and pruning: see the table of changes.");
}

TEST_CASE("a widening is announced only when it is one and clear") {
    const std::vector<std::string> clear = gap_findings(analysis_of_gaps({{3.0, 0.2}, {7.0, 0.0001}, {5.0, 0.04}, {-4.0, 0.6}}));
    REQUIRE(clear.size() == 2);
    CHECK(
        clear[0] ==
        "Compression clearly widened the gap between the worst dense group and the others in 2 of 4 configurations (adjusted p < "
        "0.05; Holm over 4 tests): net, 7 bits, real calibration; net, 6 bits, real calibration. It clearly narrowed it in "
        "none.");
    CHECK(clear[1] ==
          "Largest clear widening: +7.0 points [+6.0, +8.0] (net, 7 bits, real calibration; group B); 2 seeds, adjusted p < "
          "0.001.");

    const std::vector<std::string> unclear = gap_findings(analysis_of_gaps({{3.4, 0.19}, {-2.0, 0.5}}));
    CHECK_THAT(
        unclear[0],
        ContainsSubstring("in none of 2 configurations (adjusted p < 0.05; Holm over 2 tests). It clearly narrowed it in none."));
    CHECK(
        unclear[1] ==
        "No widening is clear of chance; the largest estimate is +3.4 points [+2.4, +4.4] (net, 8 bits, real calibration; group "
        "B); 2 seeds, adjusted p = 0.19.");
}

TEST_CASE("the largest of many is told with limits that hold for all, and groups that tie are told together") {
    Analysis analysis = analysis_of_gaps({{7.0, 0.0001}});
    analysis.contrasts[0].simultaneous = {4.5, 9.5};
    CHECK(
        gap_findings(analysis)[1].ends_with("2 seeds, adjusted p < 0.001; limits that hold for the whole family [+4.5, +9.5]."));
    analysis.configurations[0].summary.best_groups = {0, 1};
    CHECK_THAT(make_findings(input_with_groups({"A", "B"}), analysis).at(0),
               ContainsSubstring("best group A, 5.0 % errors [4.0, 6.0] and group B, 15.0 % errors [14.0, 16.0]."));
}

TEST_CASE("narrowings are never called widenings, and a larger unclear one does not hide a clear one") {
    const std::vector<std::string> narrowed = gap_findings(analysis_of_gaps({{-7.3, 0.001}, {-0.4, 0.74}}));
    CHECK_THAT(narrowed[0], ContainsSubstring("in none of 2 configurations"));
    CHECK_THAT(narrowed[0], ContainsSubstring("It clearly narrowed it in 1."));
    CHECK(
        narrowed[1].starts_with("No gap is wider even by its estimate; the one nearest to widening is -0.4 points [-1.4, +0.6]"));
    CHECK_THAT(gap_findings(analysis_of_gaps({{9.0, 0.3}, {2.0, 0.01}}))[1], ContainsSubstring("Largest clear widening: +2.0"));
}

TEST_CASE("counts cannot be read as decimals, and one is singular") {
    Analysis analysis = analysis_of_gaps({{-0.4, 0.74}});
    analysis.contrasts[0].floor = true;
    const std::string text = gap_findings(analysis)[0];
    CHECK_THAT(text, ContainsSubstring("in none of 1 configuration (adjusted p < 0.05; Holm over 1 test)."));
    CHECK_THAT(text, ContainsSubstring("narrowed it in none. In 1 of the 1, a group has an accuracy below 60 %"));
    CHECK(gap_findings(Analysis{}).empty());
}

TEST_CASE("calibration is told by the worst group's error first, with counts of what is clear") {
    Analysis analysis;
    add_configuration(analysis, configuration_with(Arm::dense, {}));
    const std::string kind = "synthetic - real";
    const auto add = [&](int bits, double deviation, double p_deviation, double accuracy, double p_accuracy) {
        Configuration c = configuration_with(Arm::compressed, {bits, bits});
        c.axes[Axis::calibration] = "synthetic";
        const std::size_t treated = add_configuration(analysis, c);
        add_change(analysis, treated, 0, kind, "std", deviation, p_deviation);
        add_change(analysis, treated, 0, kind, "gap", 0.0, 1.0, "B");
        add_change(analysis, treated, 0, kind, "accuracy", 5.0, 0.001, "A");  // not the worst group: not told
        add_change(analysis, treated, 0, kind, "accuracy", accuracy, p_accuracy, "B");
    };
    add(8, -0.5, 0.03, -1.5, 0.01);
    add(4, -0.2, 0.6, 0.5, 0.7);
    add(3, 0.7, 0.2, -2.5, 0.2);
    const std::vector<std::string> findings = calibration_findings(analysis);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0] ==
          "Calibration on synthetic instead of real data, 3 configurations compared: the error of the worst dense group is lower "
          "in "
          "1 (none clear of chance) and higher in 2 (1 clear of chance); it changes by between -0.5 points [-1.5, +0.5] (net, 4 "
          "bits, synthetic calibration) and +2.5 points [+1.5, +3.5] (net, 3 bits, synthetic calibration). STD over groups is "
          "lower "
          "in 2 (1 clear of chance) and higher in 1 (none clear of chance). Clear of chance: Benjamini-Hochberg, 5 %; an "
          "association, since data and people change together.");
}

TEST_CASE("the span of the sham arm stands with intervals and with how much of it is clear of chance") {
    Analysis analysis;
    add_configuration(analysis, configuration_with(Arm::dense, {}));
    const std::size_t sham = add_configuration(analysis, configuration_with(Arm::sham, {}));
    add_change(analysis, sham, 0, "sham - dense", "accuracy", -0.8, 0.4, "A");
    Contrast& other = add_change(analysis, sham, 0, "sham - dense", "accuracy", 0.5, 0.6, "B");
    const std::string noise = sham_findings(analysis).at(0);
    CHECK(
        noise ==
        "Fine-tuning with compression off (sham) changes the accuracy of a group by between -0.8 points [-1.8, +0.2] (net, real "
        "calibration; group A) and +0.5 points [-0.5, +1.5] (net, real calibration; group B), against the dense networks; none "
        "of "
        "2 such changes is clear of chance (Benjamini-Hochberg, 5 %).");
    other.p_adjusted = 0.01;
    CHECK_THAT(sham_findings(analysis).at(0),
               ContainsSubstring("1 of 2 such changes is clear of chance (Benjamini-Hochberg, 5 %): this "
                                 "would be blamed on compression"));
}

TEST_CASE("a dense network's STD stands behind its worst group's error, and undefined figures leave their words out") {
    const AnalysisInput input = input_with_groups({"A", "B"});
    Analysis analysis;
    add_configuration(analysis, configuration_with(Arm::dense, {}));
    CHECK(make_findings(input, analysis).at(0) ==
          "Uncompressed net (mean of 2 seeds) is 90.0 % right on average. Worst served is group B, 15.0 % errors [14.0, 16.0]; "
          "best "
          "group A, 5.0 % errors [4.0, 6.0]. STD over groups 2.00 points [1.00, 3.00]; if no group were harder than another, "
          "chance "
          "alone would give 1.00 on average, 1.50 or more in 5 % of cases. Test of equal groups: p = 0.02.");
    analysis.configurations[0].seeds = {1};
    analysis.configurations[0].summary.deviation_no_bias = {kUndefined, kUndefined};
    analysis.configurations[0].summary.homogeneity_p = 1e-9;
    const std::string text = make_findings(input, analysis).at(0);
    CHECK_THAT(text, ContainsSubstring("(one network, which this is about: not the procedure that made it)"));
    CHECK(text.ends_with("STD over groups 2.00 points [1.00, 3.00]. Test of equal groups: p < 0.001."));
    analysis.configurations[0].summary.deviation = {};
    analysis.configurations[0].summary.homogeneity_p = kUndefined;
    CHECK(make_findings(input, analysis).at(0).ends_with("4.0, 6.0]."));
}

TEST_CASE("names tell apart what differs, and say nothing that is the same everywhere") {
    Analysis analysis;
    Configuration first = configuration_with(Arm::compressed, {4, 8}, 0.5);
    add_configuration(analysis, first);
    CHECK(ConfigurationNames(analysis.configurations, common_axes())(first) == "net, w4a8 bits, real calibration, sparsity 0.5");
    Configuration other = first;
    other.axes[Axis::pruning] = "2:4";
    other.axes[Axis::training_set] = "more";
    other.axes[Axis::distillation] = "cosine";
    add_configuration(analysis, other);
    CHECK(ConfigurationNames(analysis.configurations, common_axes())(other) ==
          "net, trained on more, w4a8 bits, real calibration, sparsity 0.5 (2:4), distillation cosine");
    other = first;
    other.compression_recipe = "d";
    add_configuration(analysis, other);
    CHECK(ConfigurationNames(analysis.configurations, common_axes())(other).ends_with(", compression recipe d"));
    CHECK(ConfigurationNames(analysis.configurations, common_axes())(first).ends_with(", compression recipe c"));
}

TEST_CASE("small words") {
    CHECK(counted(1, "seed") == "1 seed");
    CHECK(counted(0, "seed") == "0 seeds");
    CHECK(number_or_none(0) == "none");
    CHECK(signed_points(-0.04) == "0.0");
    CHECK(signed_points(0.06) == "+0.1");
    CHECK(listed({"a", "b", "c"}, 3) == "a; b; c");
    CHECK(listed({"a", "b", "c"}, 2) == "a; b and 1 more");
}
