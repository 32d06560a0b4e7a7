/// Undefined figures, warnings and limits of the report; its numbers are recomputed by tests/e2e/recompute_evaluation.py and
/// compared with a sweep's own by tests/e2e/same_as_sweep.py.
#include "report/score_report.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fairsweep/error.hpp"
#include "fairsweep/random.hpp"
#include "report/score_direction.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

struct Scored {
    ItemTable items;
    std::vector<double> scores;
};

/// Groups of `pairs` pairs each, every second one genuine, with scores around 0.3 and 0.3 + `distance`.
Scored planted(const std::vector<std::string>& groups, std::uint32_t pairs, double distance, double noise) {
    Scored set;
    set.items.group_begin.push_back(0);
    RandomStream stream(3, 0, "planted");
    for (const std::string& group : groups) {
        for (std::uint32_t i = 0; i < pairs; ++i) {
            const bool genuine = i % 2 == 0;
            const std::uint32_t person = set.items.size();
            set.items.label.push_back(genuine ? 1 : 0);
            set.items.identity_a.push_back(person);
            set.items.identity_b.push_back(genuine ? person : person + 1);
            set.scores.push_back(0.3 + (genuine ? distance : 0.0) + noise * stream.uniform(-1, 1));
        }
        set.items.groups.push_back(group);
        set.items.group_begin.push_back(set.items.size());
    }
    return set;
}

bool warns(const ScoreReport& report, const std::string& text) {
    return std::ranges::any_of(report.warnings, [&](const std::string& w) { return w.find(text) != std::string::npos; });
}

const ScoreReport::At& at(const ScoreReport& report, const std::string& name) {
    return *std::ranges::find(report.at, name, &ScoreReport::At::name);
}

}  // namespace

TEST_CASE("an ordinary set has every figure, with intervals that hold them") {
    const Scored set = planted({"A", "B", "C"}, 200, 0.3, 0.35);
    const ScoreReport report = score_report(set.items, set.scores);
    REQUIRE(report.at.size() == 3);
    for (const ScoreReport::Group& group : report.groups) {
        CHECK((group.genuine == 100 && group.impostor == 100));
        const Interval& interval = report.intervals.at("groups." + group.name + ".accuracy_10fold");
        CHECK((interval.low < group.accuracy_10fold.value() && group.accuracy_10fold.value() < interval.high));
        CHECK((group.eer.value() > 0.0 && group.auc.value() > 0.5));
    }
    for (const char* name : {"std", "ser"}) CHECK(report.no_bias.at(name).mean < report.no_bias.at(name).p95);
    CHECK(report.intervals.at("average").low < report.average.value());
    CHECK(at(report, "fmr=1e-2").threshold.value() > at(report, "accuracy").threshold.value());
    CHECK(report.intervals.contains("at.accuracy.groups.B.fnmr"));
    CHECK(report.threshold_source == "test");
    CHECK(warns(report, "threshold_source test"));
    CHECK_FALSE(warns(report, "undefined: it"));
}

TEST_CASE("a perfect matcher has no SER and no inequity rate, and says so") {
    const Scored set = planted({"A", "B"}, 40, 0.5, 0.01);
    const ScoreReport report = score_report(set.items, set.scores);
    CHECK(report.average.value() == 100.0);
    CHECK(report.std.value() == 0.0);
    CHECK_FALSE(report.ser);
    CHECK(warns(report, "ser is undefined"));
    CHECK(report.intervals.at("ser").low == 1.0);
    const ScoreReport::At& accuracy = at(report, "accuracy");
    CHECK_FALSE((accuracy.fdr || accuracy.ir || accuracy.garbe));
    CHECK(warns(report, "at.accuracy.fdr, ir and garbe are undefined: a group expects fewer than 3 false matches"));
    CHECK(warns(report, "at.accuracy: group A: 0 of 20: FMR below 0.15; group A: 0 of 20: FNMR below 0.15"));
}

TEST_CASE("a threshold chosen on the pairs has two intervals: of the matcher there, and of this very threshold") {
    const Scored set = planted({"A", "B", "C"}, 600, 0.3, 0.35);
    const ScoreReport report = score_report(set.items, set.scores, {.replicates = 400});
    const auto width = [&](const std::string& name) { return report.intervals.at(name).high - report.intervals.at(name).low; };
    for (const std::string at : {"at.accuracy.", "at.fmr=1e-2."}) {
        for (const std::string group : {"groups.A", "groups.B", "groups.C"}) {
            CHECK(width(at + group + ".fnmr") > width(at + group + ".fnmr.frozen"));
            CHECK(report.intervals.contains(at + group + ".fmr.frozen"));
        }
        for (const std::string index : {"fdr", "ir", "garbe"}) {
            if (at == "at.fmr=1e-2." && !report.at[1].fdr) continue;
            CHECK(report.intervals.contains(at + index));
            CHECK(report.no_bias.contains(at + index));
        }
    }
    const Interval& frozen = report.intervals.at("at.fmr=1e-2.groups.A.fnmr.frozen");
    const Interval& matcher = report.intervals.at("at.fmr=1e-2.groups.A.fnmr");
    CHECK((matcher.low <= frozen.low && frozen.high <= matcher.high));
    CHECK(report.intervals.at("at.accuracy.fdr").high <= 1.0);
    CHECK(report.no_bias.at("at.accuracy.fdr").p95 < report.no_bias.at("at.accuracy.fdr").mean);
    CHECK(report.no_bias.at("at.accuracy.garbe").p95 > report.no_bias.at("at.accuracy.garbe").mean);
    CHECK_THAT(report.conventions.at("intervals.at"), ContainsSubstring(".frozen"));
    for (const ScoreReport::Group& group : report.groups) {
        const Interval& eer = report.intervals.at("groups." + group.name + ".eer");
        const Interval& auc = report.intervals.at("groups." + group.name + ".auc");
        CHECK((eer.low < group.eer.value() && group.eer.value() < eer.high));
        CHECK((auc.low < group.auc.value() && group.auc.value() < auc.high && auc.high <= 1.0));
    }
}

TEST_CASE("with too few impostors nothing is said of the matcher at that FMR, and indices are undefined") {
    const Scored set = planted({"A", "B"}, 1200, 0.3, 0.2);  // 1.2 false matches expected at 1e-3, 12 at 1e-2
    const ScoreReport report = score_report(set.items, set.scores, {.replicates = 200});
    CHECK_FALSE(report.intervals.contains("at.fmr=1e-3.groups.A.fnmr"));
    CHECK_THAT(report.without_interval.at("at.fmr=1e-3.groups.A.fnmr"), ContainsSubstring("1.2 false matches expected"));
    CHECK(report.intervals.contains("at.fmr=1e-3.groups.A.fnmr.frozen"));
    CHECK(report.intervals.contains("at.fmr=1e-2.groups.A.fnmr"));
    CHECK(warns(report, "at.fmr=1e-3: too few impostors"));
    CHECK_FALSE(at(report, "fmr=1e-3").fdr);
    CHECK(warns(report, "at.fmr=1e-3.fdr, ir and garbe are undefined: a group expects fewer than 3 false matches"));
    CHECK(at(report, "fmr=1e-3").groups[0].fnmr);
}

TEST_CASE("where nothing was seen the rule of three says how much there may be") {
    Scored set = planted({"A", "B"}, 1500, 0.3, 0.2);
    for (std::uint32_t p = 0; p < 1500; ++p)
        if (set.items.label[p] == 0) set.scores[p] -= 0.5;  // no impostor of A comes near
    const ScoreReport report = score_report(set.items, set.scores, {.replicates = 200});
    CHECK(at(report, "fmr=1e-2").groups[0].fmr.value() == 0.0);
    CHECK(warns(report, "at.fmr=1e-2: group A: 0 of 750: FMR below 0.004 (95 %, rule of three)"));
}

TEST_CASE("one group has at FMR = x the FMR that was asked for, and no interval of it") {
    const Scored set = planted({"A"}, 3000, 0.3, 0.35);
    const ScoreReport report = score_report(set.items, set.scores, {.replicates = 200});
    CHECK(report.without_interval.contains("at.fmr=1e-2.groups.A.fmr"));
    CHECK(report.intervals.contains("at.fmr=1e-2.groups.A.fnmr"));
    CHECK(warns(report, "at.accuracy.fdr, ir and garbe are undefined: it needs at least two groups"));
}

TEST_CASE("a group too small for ten folds has no accuracy, and the set no average") {
    Scored set = planted({"A", "B"}, 40, 0.3, 0.3);
    Scored small = planted({"C"}, 8, 0.3, 0.3);
    set.scores.insert(set.scores.end(), small.scores.begin(), small.scores.end());
    for (const auto column : {&ItemTable::identity_a, &ItemTable::identity_b})
        for (const std::uint32_t person : small.items.*column) (set.items.*column).push_back(1000 + person);
    set.items.label.insert(set.items.label.end(), small.items.label.begin(), small.items.label.end());
    set.items.groups.emplace_back("C");
    set.items.group_begin.push_back(set.items.size());
    const ScoreReport report = score_report(set.items, set.scores);
    CHECK(report.groups[0].accuracy_10fold);
    CHECK_FALSE(report.groups[2].accuracy_10fold);
    CHECK(report.groups[2].auc);
    CHECK_FALSE((report.average || report.std || report.ser));
    CHECK(warns(report, "accuracy_10fold of group C"));
    CHECK(at(report, "accuracy").groups[2].accuracy);
}

TEST_CASE("a group with one kind of pairs leaves what needs both undefined") {
    Scored set = planted({"A", "B"}, 40, 0.3, 0.3);
    for (std::uint32_t p = 40; p < 80; ++p) set.items.label[p] = 1;
    const ScoreReport report = score_report(set.items, set.scores);
    CHECK_FALSE((report.groups[1].eer || report.groups[1].auc));
    CHECK_FALSE((at(report, "accuracy").groups[1].fmr || at(report, "accuracy").fdr || at(report, "accuracy").garbe));
    CHECK(at(report, "accuracy").groups[1].fnmr);
    CHECK(warns(report, "at.accuracy.groups.B.fmr is undefined"));
    CHECK_FALSE(report.groups[1].accuracy_10fold);  // all right whatever the network does
    CHECK(warns(report, "accuracy_10fold of group B is undefined"));
    for (std::uint32_t p = 0; p < 80; ++p) set.items.label[p] = 1;
    const ScoreReport none = score_report(set.items, set.scores);
    CHECK_FALSE(at(none, "fmr=1e-3").threshold);
    CHECK(warns(none, "the threshold of at.fmr=1e-3 is undefined"));
    CHECK_FALSE((at(none, "accuracy").threshold || at(none, "accuracy").groups[0].accuracy || none.average || none.std));
    CHECK(warns(none, "the threshold of at.accuracy is undefined"));
}

TEST_CASE("scores that are no cosines have rates, but nothing of the ten-fold grid") {
    Scored set = planted({"A", "B"}, 40, 0.3, 0.3);
    for (double& score : set.scores) score *= 100.0;
    const ScoreReport report = score_report(set.items, set.scores);
    CHECK_FALSE((report.groups[0].accuracy_10fold || report.average || report.std || report.ser));
    CHECK(warns(report, "no cosines"));
    CHECK(report.groups[0].eer);
    CHECK(at(report, "accuracy").groups[0].fmr);
}

TEST_CASE("one group has no STD; unknown identities are warned of") {
    const Scored set = planted({"A"}, 60, 0.3, 0.3);
    const ScoreReport report = score_report(set.items, set.scores, {.replicates = 200, .seed = 1, .identities_known = false});
    CHECK(report.average);
    CHECK_FALSE(report.std);
    CHECK(warns(report, "std is undefined"));
    CHECK(warns(report, "identities are not known"));
}

TEST_CASE("where the ten-fold protocol does not fit the scores a warning says so") {
    Scored set = planted({"A", "B"}, 400, 0.4, 0.25);
    CHECK_FALSE(warns(score_report(set.items, set.scores, {}), "what the EER promises"));
    for (double& score : set.scores) score *= 1e-3;  // closer together than the protocol's thresholds
    const ScoreReport report = score_report(set.items, set.scores, {});
    CHECK(warns(report, "far below what the EER promises in 2 groups: A ("));
}

TEST_CASE("two people in all pairs give no interval without width") {
    Scored set = planted({"A"}, 400, 0.4, 0.25);
    for (std::size_t i = 0; i < set.scores.size(); ++i) {
        set.items.identity_a[i] = 0;
        set.items.identity_b[i] = set.items.label[i] != 0 ? 0 : 1;
    }
    const ScoreReport report = score_report(set.items, set.scores, {.identities_known = true});
    CHECK(warns(report, "fewer than ten people in a group: A (2)"));
    REQUIRE(report.groups.front().eer.value() > 0.0);
    for (const char* figure : {"groups.A.eer", "groups.A.auc"}) {
        const Interval interval = report.intervals.at(figure);
        INFO(figure);
        CHECK(interval.high - interval.low > 0.005);
    }
}

TEST_CASE("scores that cannot be judged are data errors") {
    Scored set = planted({"A"}, 20, 0.3, 0.3);
    CHECK_THROWS_AS(score_report(set.items, std::vector<double>(19, 0.5)), Error);
    CHECK_THROWS_AS(score_report({}, {}), Error);
    set.scores[7] = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(score_report(set.items, set.scores), Error);
}

TEST_CASE("an AUC below one half is the first warning; below it everywhere, scores are refused by their file") {
    Scored set = planted({"A", "B"}, 40, 0.3, 0.3);
    for (std::uint32_t p = 40; p < 80; ++p) set.scores[p] = -set.scores[p];
    const ScoreReport some = score_report(set.items, set.scores, {.warnings = {"from the source"}});
    CHECK_THAT(some.warnings[0], ContainsSubstring("auc is below 0.5 in some groups") && ContainsSubstring("B (0."));
    CHECK(some.warnings[1] == "from the source");
    CHECK_NOTHROW(refuse_reversed_scores(set.items, set.scores, "s.csv", false));
    for (std::uint32_t p = 0; p < 40; ++p) set.scores[p] = -set.scores[p];
    CHECK_THAT(score_report(set.items, set.scores).warnings[0], ContainsSubstring("in every group"));
    CHECK_THROWS_WITH(refuse_reversed_scores(set.items, set.scores, "s.csv", false),
                      ContainsSubstring("these look like distances (AUC 0.") && ContainsSubstring("give --distance"));
    CHECK_THROWS_WITH(refuse_reversed_scores(set.items, set.scores, "s.csv", true), ContainsSubstring("leave --distance out"));
}

TEST_CASE("folds other than ten are told; people of several groups are told") {
    Scored set = planted({"A", "B"}, 40, 0.3, 0.3);
    ScoreReportOptions options;
    for (std::uint32_t p = 0; p < 80; ++p) options.folds.push_back(p % 40 / 8);
    const ScoreReport report = score_report(set.items, set.scores, options);
    CHECK(report.average);
    CHECK(warns(report, "not over ten: 5"));
    CHECK(report.conventions.at("accuracy_10fold").find("ten folds") == std::string::npos);
    CHECK_FALSE(warns(report, "more than one group"));
    for (const auto column : {&ItemTable::identity_a, &ItemTable::identity_b})
        for (std::uint32_t p = 40; p < 80; ++p) (set.items.*column)[p] -= 40;
    CHECK(warns(score_report(set.items, set.scores), "more than one group"));
}
