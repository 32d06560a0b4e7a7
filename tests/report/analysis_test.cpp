#include "report/analysis.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"
#include "metrics/evaluation.hpp"
#include "metrics/fairness.hpp"
#include "plan/tasks.hpp"
#include "report/page.hpp"
#include "report/stored_figures.hpp"
#include "report/synthetic_sweep.hpp"
#include "report/tables.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

struct Example {
    AnalysisInput input = synthetic_input();
    Analysis analysis =
        analyse(input, [this](std::size_t point) { return synthetic_scores(input.items, input.points[point].point); },
                {.replicates = 400, .seed = 1});
};

const Example& example() {
    static const Example value;
    return value;
}

const AnalysedConfiguration& configuration(Arm arm, int bits, const std::string& calibration, double sparsity) {
    for (const AnalysedConfiguration& item : example().analysis.configurations) {
        const Configuration& c = item.configuration;
        if (c.arm == arm && c.axes.architecture().starts_with("iresnet") && c.axes.bits().weight == bits &&
            c.axes.calibration() == calibration && c.axes.sparsity() == sparsity)
            return item;
    }
    throw std::runtime_error("no such configuration");
}

bool holds(const Interval& interval, double truth) { return interval.low <= truth && truth <= interval.high; }

}  // namespace

TEST_CASE("Points are grouped into configurations by everything but their seed") {
    const Analysis& analysis = example().analysis;
    CHECK(analysis.points.size() == 68);
    CHECK(analysis.configurations.size() == 34);
    for (const AnalysedConfiguration& item : analysis.configurations) CHECK(item.seeds == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("Stored accuracies must be those that follow from the scores") {
    AnalysisInput input = synthetic_input();
    const std::vector<float> scores = synthetic_scores(input.items, input.points[0].point);
    for (const GroupFigures& group : verification_figures(input.items, scores).groups)
        input.points[0].figures.push_back(columns_of(group));
    check_stored_figures(input, 0, scores);
    std::vector<float> changed = scores;
    for (std::size_t i = 0; i < 40; ++i) changed[i] = -changed[i];
    CHECK_THROWS_AS(check_stored_figures(input, 0, changed), Error);
    input.points[0].figures[2][accuracy_column(task_info("verification"))] += 0.01;
    try {
        check_stored_figures(input, 0, scores);
        FAIL("another accuracy was not noticed");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::store);
        CHECK_THAT(error.what(), ContainsSubstring("group C, accuracy_10fold") && ContainsSubstring("merge again"));
    }
}

TEST_CASE("Figures of a point follow from its groups, and its intervals hold the estimate") {
    for (const AnalysedPoint& point : example().analysis.points) {
        const Summary& summary = point.summary;
        std::vector<double> accuracies;
        for (const GroupSummary& group : summary.groups) {
            accuracies.push_back(group.accuracy.value);
            CHECK(holds(group.accuracy.interval, group.accuracy.value));
            CHECK(holds(group.fmr.interval, group.fmr.value));
            CHECK(holds(group.fnmr.interval, group.fnmr.value));
            CHECK(group.accuracy_pooled.value == Approx(100.0 - 50.0 * (group.fmr.value + group.fnmr.value)));
        }
        CHECK(summary.average.value == Approx(average(accuracies).value()));
        CHECK(summary.deviation.value == Approx(sample_deviation(accuracies).value()));
        CHECK(summary.error_ratio.value == Approx(skewed_error_ratio(accuracies).value()));
        CHECK(summary.gap.value == Approx(largest_gap(accuracies).value()));
        CHECK(summary.worst_error == Approx(100.0 - accuracies[summary.worst_group]));
        CHECK(holds(summary.deviation.interval, summary.deviation.value));
        CHECK(holds(summary.error_ratio.interval, summary.error_ratio.value));
        CHECK(summary.deviation_no_bias.mean < summary.deviation_no_bias.p95);
    }
}

TEST_CASE("The planted hardest group is worst, and three bits widen its gap beyond doubt") {
    const AnalysedConfiguration& dense = configuration(Arm::dense, 32, "none", 0.0);
    CHECK(example().input.groups[dense.summary.worst_group] == "D");
    CHECK(dense.summary.groups[3].accuracy.interval.high < dense.summary.groups[0].accuracy.interval.low);
    CHECK(dense.summary.homogeneity_p < 0.01);
    int found = 0;
    for (const Contrast& contrast : example().analysis.contrasts) {
        if (!contrast.primary) continue;
        const Configuration& treated = example().analysis.configurations[contrast.treated].configuration;
        CHECK(contrast.group == "D");
        CHECK(contrast.p_adjusted >= contrast.p_value);
        if (treated.axes.bits().weight != 3 || treated.axes.sparsity() != 0.0 || treated.axes.calibration() != "real" ||
            !treated.axes.architecture().starts_with("iresnet"))
            continue;
        ++found;
        // Planted: hardness is 2.5 for D and 1.5 on average for the others, times a loss of 8 points.
        CHECK(holds(contrast.estimate.interval, 8.0));
        CHECK(contrast.p_adjusted < 0.05);
    }
    CHECK(found == 1);
}

TEST_CASE("Every compressed configuration is compared with its sham twin, its baseline and its real-data twin") {
    std::map<std::string, int> count;
    for (const Contrast& contrast : example().analysis.contrasts) ++count[contrast.kind + "/" + contrast.metric];
    CHECK(count["compressed - sham/gap"] == 28);
    CHECK(count["compressed - sham/accuracy"] == 28 * 4);
    CHECK(count["compressed - sham/average"] == 28);
    CHECK(count["compressed - dense/std"] == 28);
    CHECK(count["sham - dense/std"] == 4);
    CHECK(count["synthetic - real/gap"] == 14);
    for (const Contrast& contrast : example().analysis.contrasts) {
        CHECK(contrast.seeds == 2);
        CHECK(std::isfinite(contrast.seed_deviation));
        CHECK(holds(contrast.estimate.interval, contrast.estimate.value));
    }
}

TEST_CASE("A change of the average is the mean of the changes of the groups") {
    std::map<std::size_t, double> mean, average;  // by the treated configuration
    for (const Contrast& contrast : example().analysis.contrasts) {
        if (contrast.kind != "compressed - sham") continue;
        if (contrast.metric == "accuracy") mean[contrast.treated] += contrast.estimate.value / 4;
        if (contrast.metric == "average") average[contrast.treated] = contrast.estimate.value;
    }
    REQUIRE(average.size() == 28);
    for (const auto& [treated, value] : average) CHECK(value == Approx(mean.at(treated)));
}

TEST_CASE("Networks of the same seed that no column tells apart are warned of, and other quantisers are told apart") {
    AnalysisInput input = synthetic_input();
    const auto scores = [&input](std::size_t point) { return synthetic_scores(input.items, input.points[point].point); };
    std::erase_if(input.points,
                  [](const AnalysisPoint& p) { return p.point.axes.bits().weight < 8 || p.point.axes.sparsity() > 0.0; });
    const std::size_t points = input.points.size();
    for (std::size_t i = 0; i < points; ++i)
        if (input.points[i].point.arm == Arm::compressed) input.points.push_back(input.points[i]);
    const auto warned = [](const Analysis& analysis) {
        return std::any_of(analysis.warnings.begin(), analysis.warnings.end(), [](const std::string& text) {
            return text.find("the same seed more than once") != std::string::npos;
        });
    };
    const Analysis pooled = analyse(input, scores, {.replicates = 200, .seed = 1});
    CHECK(warned(pooled));
    for (std::size_t i = points; i < input.points.size(); ++i) input.points[i].recipes.compression = "other";
    const Analysis apart = analyse(input, scores, {.replicates = 200, .seed = 1});
    CHECK_FALSE(warned(apart));
    CHECK(apart.configurations.size() == pooled.configurations.size() + 4);
    const auto twins = [](const Analysis& analysis) {
        return std::count_if(analysis.contrasts.begin(), analysis.contrasts.end(), [](const Contrast& c) { return c.primary; });
    };
    CHECK(twins(apart) == 8);  // both are compared with the one sham
}

TEST_CASE("Simultaneous limits contain the single ones in the primary family and stand nowhere else") {
    for (const Contrast& contrast : example().analysis.contrasts) {
        CHECK(std::isnan(contrast.simultaneous.low) != contrast.primary);
        if (!contrast.primary) continue;
        CHECK(contrast.simultaneous.low < contrast.estimate.interval.low);
        CHECK(contrast.simultaneous.high > contrast.estimate.interval.high);
        CHECK(contrast.group_share >= 0.9);  // D is far behind: nearly every half of the people says so
    }
}

TEST_CASE("Rates at the pooled threshold count that it was chosen, indices and curves have intervals") {
    std::size_t with_indices = 0;
    for (const AnalysedConfiguration& item : example().analysis.configurations) {
        for (const GroupSummary& group : item.summary.groups) {
            CHECK((group.fmr.interval.low <= group.fmr_frozen.low && group.fmr_frozen.high <= group.fmr.interval.high));
            CHECK((group.fnmr.interval.low <= group.fnmr_frozen.low && group.fnmr_frozen.high <= group.fnmr.interval.high));
            CHECK(holds(group.eer.interval, group.eer.value));
            CHECK(holds(group.auc.interval, group.auc.value));
        }
        if (std::isnan(item.summary.fdr.value)) continue;
        ++with_indices;
        CHECK(holds(item.summary.fdr.interval, item.summary.fdr.value));
        CHECK(holds(item.summary.garbe_index.interval, item.summary.garbe_index.value));
        CHECK(item.summary.fdr_no_bias.p95 < item.summary.fdr_no_bias.mean);
        CHECK(item.summary.inequity_no_bias.p95 > item.summary.inequity_no_bias.mean);
    }
    CHECK(with_indices > 30);
}

TEST_CASE("Groups that tie are all named, whatever the last bit says") {
    // Groups A and B are the same pairs with other people: equal accuracies, summed in the same way or not.
    AnalysisInput input = synthetic_input();
    input.points.resize(2);
    const auto scores = [&](std::size_t point) {
        std::vector<float> values = synthetic_scores(input.items, input.points[point].point);
        std::copy(values.begin(), values.begin() + 480, values.begin() + 480);
        return values;
    };
    const Analysis analysis = analyse(input, scores, {.replicates = 200, .seed = 1});
    const Summary& summary = analysis.configurations.front().summary;
    CHECK(summary.best_groups == std::vector<std::size_t>{0, 1});
    CHECK(summary.worst_groups == std::vector<std::size_t>{3});
    const auto tables = result_tables(input, analysis);
    const auto& columns = tables.front().columns;
    const auto best = std::find_if(columns.begin(), columns.end(), [](const ResultColumn& c) { return c.name == "best_group"; });
    REQUIRE(best != columns.end());
    CHECK(std::get<std::vector<std::string>>(best->values).front() == "A = B");
}

TEST_CASE("One seed is about one network, and the page's warnings say so") {
    AnalysisInput input = synthetic_input();
    const auto scores = [&input](std::size_t point) { return synthetic_scores(input.items, input.points[point].point); };
    std::erase_if(input.points, [](const AnalysisPoint& p) { return p.point.seed != 1; });
    const Analysis analysis = analyse(input, scores, {.replicates = 200, .seed = 1});
    CHECK(std::any_of(analysis.warnings.begin(), analysis.warnings.end(), [](const std::string& warning) {
        return warning.starts_with("one seed: what is said of 34 configurations is about this network");
    }));
}

TEST_CASE("Points that are not done are left out and said so; none done is an error") {
    AnalysisInput input = synthetic_input();
    const auto scores = [&input](std::size_t point) { return synthetic_scores(input.items, input.points[point].point); };
    for (std::size_t i = 0; i < input.points.size(); ++i)
        if (i % 9 != 0) input.points[i].state = StageState::failed;
    const Analysis analysis = analyse(input, scores, {.replicates = 200, .seed = 1});
    CHECK(analysis.points.size() == 8);
    bool said = false;
    for (const std::string& warning : analysis.warnings)
        said = said || warning.find("60 of 68 points are not done") != std::string::npos;
    CHECK(said);
    const auto tables = result_tables(input, analysis);
    const auto not_done =
        std::find_if(tables.begin(), tables.end(), [](const ResultTable& table) { return table.name == "not_done"; });
    REQUIRE(not_done != tables.end());
    CHECK(std::get<std::vector<std::string>>(not_done->columns[1].values).size() == 60);
    for (AnalysisPoint& point : input.points) point.state = StageState::lost;
    CHECK_THROWS_AS(analyse(input, scores), Error);
}

TEST_CASE("Tables have one length per table, CSV has a header and its conventions beside") {
    const std::vector<ResultTable> tables = result_tables(example().input, example().analysis);
    write_csv_folder("tables", tables);
    for (const ResultTable& table : tables) {
        const auto lines = split(read_text_file("tables/" + table.name + ".csv"), '\n');
        CHECK(split(lines[0], ',').front() == table.columns.front().name);
    }
    for (const ResultTable& table : tables) {
        for (const ResultColumn& column : table.columns) {
            INFO(table.name << "." << column.name);
            CHECK(column.name != "seeds");
            CHECK_FALSE((column.unit == "fraction" && column.name != "sparsity" && !column.name.ends_with("_fraction") &&
                         !column.name.ends_with("_fraction_low") && !column.name.ends_with("_fraction_high")));
            // Missing to pandas, whose groupby would drop the row.
            if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values))
                CHECK(std::none_of(texts->begin(), texts->end(), [](const std::string& text) { return text.empty(); }));
        }
    }
    CHECK(split(read_text_file("tables/points.csv"), '\n').size() == 70);  // header, 68 rows, what is behind the last line end
    CHECK_THAT(read_text_file("tables/README.md"), ContainsSubstring("ddof 1"));
    const std::string text = terminal_text(example().input, example().analysis);
    CHECK_THAT(text, ContainsSubstring("68 of 68 points"));
    CHECK_THAT(text, ContainsSubstring("; all rows: trained on faces, 2 seeds\n"));
    CHECK_THAT(text, ContainsSubstring("SER [95 %]"));
    CHECK_THAT(text, ContainsSubstring("Worst served is group D"));
}

TEST_CASE("The page's form and interpreter are checked before anything is drawn") {
    CHECK_THROWS_AS(draw_page("a.h5", "page.pdf"), Error);
    setenv("FAIRSWEEP_PYTHON", "/nonexistent/python", 1);
    try {
        draw_page("a.h5", "page.html");
        FAIL("an interpreter that is not there was accepted");
    } catch (const Error& error) {
        CHECK_THAT(error.what(), ContainsSubstring("./scripts/setup"));
    }
    unsetenv("FAIRSWEEP_PYTHON");
}

TEST_CASE("Scores that no accuracy follows from are refused, not judged") {
    AnalysisInput input = synthetic_input();
    const auto scores = [&](std::size_t point) {
        std::vector<float> values = synthetic_scores(input.items, input.points[point].point);
        values[7] = 1.5F;
        return values;
    };
    CHECK_THROWS_WITH(analyse(input, scores, {.replicates = 200, .seed = 1}), ContainsSubstring("outside [-1, 1]"));
}
