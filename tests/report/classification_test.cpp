/// The whole analysis of a task with classes: made-up logits whose decisions are known.
#include <algorithm>
#include <cmath>

#include "fairsweep/random.hpp"
#include "metrics/task_figures.hpp"
#include "plan/make_plan.hpp"
#include "report/analysis.hpp"
#include "report/stored_figures.hpp"
#include "report/tables.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

const std::vector<std::string> kClasses{"happy", "neutral", "sad"};
constexpr std::uint32_t kPeople = 40, kImages = 6;  // of each group, of each person

ItemTable images() {
    ItemTable items;
    items.groups = {"A", "B"};
    items.group_begin = {0};
    for (std::uint32_t g = 0; g < 2; ++g) {
        for (std::uint32_t i = 0; i < kPeople * kImages; ++i) {
            items.label.push_back(static_cast<std::uint8_t>(i % kClasses.size()));
            items.identity_a.push_back(g * kPeople + i / kImages);
        }
        items.group_begin.push_back(static_cast<std::uint32_t>(items.label.size()));
    }
    items.identity_b = items.identity_a;
    return items;
}

AnalysisInput input_of(const Plan& plan) {
    AnalysisInput input;
    input.task = "classification";
    input.groups = plan.groups;
    input.classes = plan.classes;
    input.axes = plan.axes;
    input.items = images();
    input.sweep_name = plan.sweep_name;
    for (const Point& point : plan.points) {
        AnalysisPoint added;
        added.point = point;
        added.state = StageState::done;
        added.recipes = recipes_of(plan, plan.stages[point.network_stage]);
        added.network_id = plan.stages[point.network_stage].id;
        input.points.push_back(std::move(added));
    }
    return input;
}

Plan plan_of_classes() {
    Sweep sweep;
    sweep.name = "classes";
    sweep.task = "classification";
    sweep.seeds = {1, 2, 3};
    sweep.values(Axis::architecture) = {"iresnet10-w16-56"};
    sweep.values(Axis::training_set) = {"train"};
    sweep.values(Axis::bits) = {Bits{}, Bits{4, 4}};
    sweep.values(Axis::calibration) = {"real"};
    sweep.values(Axis::distillation) = {"logits"};
    sweep.evaluation_data = "test";
    for (const char* name : {"train", "test"}) sweep.data[name] = {name, "manifest", name, {}};
    DataProbe probe{[](const DataSource&) { return true; }, [](const DataSource& data) { return sha256(data.name); },
                    [](const DataSource&) {
                        return std::vector<std::string>{"A", "B"};
                    }};
    probe.classes = [](const DataSource&) { return kClasses; };
    return make_plan(sweep, probe, "test");
}

/// Right in 90 % of cases; compressed networks in 60 % of group B's.
std::vector<float> logits(const ItemTable& items, const Point& point) {
    RandomStream random(point.seed, static_cast<std::uint64_t>(point.arm), "logits");
    std::vector<float> values;
    for (std::uint32_t i = 0; i < items.size(); ++i) {
        const bool is_hard = point.arm == Arm::compressed && i >= items.group_begin[1];
        const bool is_right = random.uniform(0.0, 1.0) < (is_hard ? 0.6 : 0.9);
        const std::size_t said = is_right ? items.label[i] : (items.label[i] + 1U) % kClasses.size();
        for (std::size_t c = 0; c < kClasses.size(); ++c) values.push_back(c == said ? 1.0F : 0.0F);
    }
    return values;
}

const std::vector<double>& numbers(const ResultTable& table, const std::string& name) {
    const auto found = std::find_if(table.columns.begin(), table.columns.end(), [&](const auto& c) { return c.name == name; });
    REQUIRE(found != table.columns.end());
    return std::get<std::vector<double>>(found->values);
}

bool has_column(const ResultTable& table, const std::string& name) {
    return std::any_of(table.columns.begin(), table.columns.end(), [&](const auto& c) { return c.name == name; });
}

const ResultTable& table_of(const std::vector<ResultTable>& tables, const std::string& name) {
    const auto found = std::find_if(tables.begin(), tables.end(), [&](const auto& table) { return table.name == name; });
    REQUIRE(found != tables.end());
    return *found;
}

}  // namespace

TEST_CASE("A task with classes: accuracies, recalls and changes of groups, and nothing that only pairs have") {
    const Plan plan = plan_of_classes();
    AnalysisInput input = input_of(plan);
    REQUIRE(input.points.size() == 9);  // dense, sham, 4 bits; three seeds
    const auto scores = [&](std::size_t p) { return logits(input.items, input.points[p].point); };
    for (std::size_t p = 0; p < input.points.size(); ++p) {
        input.points[p].figures = task_figures(input.task, input.items, scores(p), kClasses.size()).groups;
        CHECK_NOTHROW(check_stored_figures(input, p, scores(p)));
    }
    const Analysis analysis = analyse(input, scores, {.replicates = 300, .seed = 1});
    REQUIRE(analysis.configurations.size() == 3);
    for (std::size_t i = 0; i < analysis.points.size(); ++i) {
        const AnalysedPoint& point = analysis.points[i];
        for (std::size_t g = 0; g < 2; ++g) {
            const GroupSummary& group = point.summary.groups[g];
            CHECK(group.accuracy.value == Approx(input.points[point.index].figures[g][2]));
            CHECK((group.accuracy.interval.low < group.accuracy.value && group.accuracy.value < group.accuracy.interval.high));
            CHECK(group.balanced_accuracy == Approx(input.points[point.index].figures[g][3]));
            REQUIRE(group.recalls.size() == 3);
            for (std::size_t c = 0; c < 3; ++c)
                CHECK(group.recalls[c].value == Approx(input.points[point.index].figures[g][7 + c]));
            CHECK(std::isnan(group.fmr.value));
            CHECK(std::isnan(group.eer.value));
        }
    }
    CHECK(analysis.floor_percent == Approx(100.0 / 3 + 0.2 * (200.0 / 3)));

    const auto gap = std::find_if(analysis.contrasts.begin(), analysis.contrasts.end(), [](const Contrast& c) {
        return c.kind == "compressed - sham" && c.metric == "accuracy" && c.group == "B";
    });
    REQUIRE(gap != analysis.contrasts.end());
    CHECK(gap->seeds == 3);
    CHECK((gap->estimate.interval.low < -30.0 && gap->estimate.interval.high > -30.0));
    CHECK(gap->estimate.interval.high < 0.0);
    for (const std::string& warning : analysis.warnings) CHECK(warning.find("threshold") == std::string::npos);
    CHECK(analysis.conventions.contains("recall"));
    CHECK_FALSE(analysis.conventions.contains("pooled_threshold"));

    const std::vector<ResultTable> tables = result_tables(input, analysis);
    CHECK_FALSE(has_column(table_of(tables, "groups"), "fmr_fraction"));
    CHECK_FALSE(has_column(table_of(tables, "configurations"), "fdr"));
    CHECK(numbers(table_of(tables, "classes"), "recall_percent").size() == 9 * 2 * 3);
    CHECK(numbers(table_of(tables, "configuration_classes"), "recall_percent_low").size() == 3 * 2 * 3);
    CHECK(numbers(table_of(tables, "groups"), "balanced_accuracy_percent").size() == 9 * 2);
}

TEST_CASE("What a class is called changes no figure: images are one stratum") {
    ItemTable items = images();
    const EvaluationSet set(items, {.replicates = 200, .seed = 1}, "classification", kClasses.size());
    for (std::uint8_t& label : items.label) label = static_cast<std::uint8_t>((label + 1U) % kClasses.size());
    const EvaluationSet renamed(items, {.replicates = 200, .seed = 1}, "classification", kClasses.size());
    for (std::uint32_t g = 0; g < 2; ++g) {
        CHECK(set.clusters.impostor_of(g).pairs.empty());
        CHECK(set.clusters.genuine_of(g).pairs == set.clusters.all_of(g).pairs);
        CHECK(renamed.clusters.genuine_of(g).pairs == set.clusters.genuine_of(g).pairs);
        for (std::size_t c = 0; c < kClasses.size(); ++c) CHECK(set.of_class[g][c].pairs.size() == kPeople * kImages / 3);
    }
}

TEST_CASE("Changed decisions of a classifier are noticed") {
    const Plan plan = plan_of_classes();
    AnalysisInput input = input_of(plan);
    std::vector<float> scores = logits(input.items, input.points[0].point);
    input.points[0].figures = task_figures(input.task, input.items, scores, kClasses.size()).groups;
    for (std::size_t i = 0; i < 9; ++i) scores[i] = 1.0F - scores[i];
    CHECK_THROWS_WITH(check_stored_figures(input, 0, scores), ContainsSubstring("not those of its scores"));
}
