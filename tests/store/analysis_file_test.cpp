#include "store/analysis_file.hpp"

#include <cmath>
#include <functional>
#include <limits>

#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "store/layout.hpp"
#include "store/merge.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;
namespace fs = std::filesystem;

namespace {

/// A store with the first `stages` stages done.
fs::path make_store(const std::string& name, const Plan& plan, const PairTable& pairs, std::size_t stages) {
    const fs::path path = fs::path(name) / "sweep.h5";
    fs::remove_all(name);
    Store store = Store::open_for_update(path, plan, pairs);
    for (std::size_t stage = 0; stage < stages; ++stage) append_stage(store, plan, pairs, stage);
    store.close();
    return path;
}

ErrorKind kind_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::internal;
}

}  // namespace

TEST_CASE("merge keeps points, figures, pairs and scores, and shows what is missing as NaN") {
    const Plan plan = make_plan(4);
    const PairTable pairs = make_pairs();
    const std::vector<fs::path> stores{make_store("merge", plan, pairs, 6)};  // dense and one compressed point
    const MergeSummary summary = merge_stores(stores, "merge/a.h5", "0.1.0 (test)");
    CHECK(summary.points == 4);
    CHECK(summary.points_done == 2);
    CHECK(summary.duplicates == 0);

    const AnalysisReader reader("merge/a.h5");
    const AnalysisInput& input = reader.input();
    CHECK(input.groups == plan.groups);
    CHECK(same_pairs(input.pairs, pairs));
    CHECK(input.sources == std::vector<std::string>{"merge/sweep.h5"});
    CHECK(input.job_text == plan.job_text);
    CHECK(input.data_sets == std::vector<std::string>{"faces: recordio, 12 images, " + sha256("faces").hex()});
    CHECK(input.code_version == "0.1.0 (test)");
    CHECK(input.created.size() == 20);
    REQUIRE(input.points.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
        const AnalysisPoint& point = input.points[i];
        const Point& planned = plan.points[i];
        CHECK(point.point.id == planned.id);
        CHECK(point.point.arm == planned.arm);
        CHECK(point.point.axes.architecture() == planned.axes.architecture());
        CHECK(point.point.axes.bits() == planned.axes.bits());
        CHECK(point.point.axes.calibration() == planned.axes.calibration());
        CHECK(point.point.axes.sparsity() == planned.axes.sparsity());
        CHECK(point.point.seed == planned.seed);
        CHECK(point.network_id == plan.stages[planned.network_stage].id);
        CHECK(point.state == (i < 2 ? StageState::done : StageState::waiting));
        CHECK(point.figures.size() == (i < 2 ? 2u : 0u));
    }
    const Row network = make_row(plan.stages[4], 4);
    const Row evaluation = make_row(plan.stages[5], 5);
    const AnalysisPoint& point = input.points[1];
    CHECK(point.loss_last == network.outcome.loss_last);
    CHECK(point.wall_s == network.outcome.wall_s + evaluation.outcome.wall_s);
    CHECK(point.attempts == network.attempt + evaluation.attempt);
    CHECK(point.pooled_threshold == evaluation.outcome.pooled_threshold);
    CHECK(point.figures[1].accuracy_10fold == evaluation.outcome.groups[1].accuracy_10fold);
    CHECK(point.figures[1].genuine == evaluation.outcome.groups[1].genuine);
    CHECK(point.code_version == plan.code_version);
    CHECK(std::isnan(input.points[2].pooled_threshold));
    CHECK(reader.scores(0) == make_scores(3, pairs.size()));
    CHECK(reader.scores(1) == make_scores(5, pairs.size()));
}

TEST_CASE("points of two stores are taken once, done ones first") {
    const Plan plan = make_plan(4);
    const PairTable pairs = make_pairs();
    const std::vector<fs::path> stores{make_store("twice_a", plan, pairs, 4), make_store("twice_b", make_plan(3), pairs, 6)};
    const MergeSummary summary = merge_stores(stores, "twice_a/a.h5", "test");
    CHECK(summary.points == 4);
    CHECK(summary.points_done == 2);
    CHECK(summary.duplicates == 3);
    CHECK(AnalysisReader("twice_a/a.h5").scores(1) == make_scores(5, pairs.size()));
}

TEST_CASE("stores over other pairs, damaged scores and unwritable places give errors and no file") {
    const Plan plan = make_plan(2);
    const fs::path first = make_store("bad_a", plan, make_pairs(), 6);
    const fs::path other = make_store("bad_b", plan, make_pairs(12), 6);
    const std::vector<fs::path> both{first, other};
    CHECK(kind_of([&] { merge_stores(both, "bad_a/a.h5", "test"); }) == ErrorKind::store);
    CHECK(kind_of([&] { merge_stores(std::vector<fs::path>{"nowhere.h5"}, "bad_a/a.h5", "test"); }) == ErrorKind::store);
    CHECK(kind_of([&] { merge_stores(std::vector<fs::path>{first}, "/proc/a.h5", "test"); }) == ErrorKind::infrastructure);
    fs::remove(artefact_folder_of(first) / "scores-0000.h5");
    CHECK(kind_of([&] { merge_stores(std::vector<fs::path>{first}, "bad_a/a.h5", "test"); }) == ErrorKind::store);
    CHECK(!fs::exists("bad_a/a.h5"));
}

TEST_CASE("recipes and what was planted travel into the analysis file, and a baseline has no teacher") {
    Plan plan = make_plan(3);
    StageParameters parameters;
    parameters.kind = StageKind::baseline;
    plan.stages[1].parameters = canonical_text(parameters);
    parameters.kind = StageKind::compression;
    plan.stages[6].parameters = canonical_text(parameters);
    parameters.bits = {4, 4};
    parameters.recipe.preset = "modern";
    plan.stages[4].parameters = canonical_text(parameters);
    plan.data["test"] = {{"test", "rfw", "data/test", {}}, sha256("test"), true, 20, R"({"seed":1})"};
    merge_stores(std::vector<fs::path>{make_store("recipes", plan, make_pairs(), 6)}, "recipes/a.h5", "test");
    const AnalysisReader reader("recipes/a.h5");
    const std::vector<AnalysisPoint>& points = reader.input().points;
    for (std::size_t i = 0; i < points.size(); ++i)
        CHECK(points[i].recipes == recipes_of(plan, plan.stages[plan.points[i].network_stage]));
    CHECK(points[0].recipes.baseline.size() == 12);
    CHECK(points[0].recipes.finetune == kNoRecipe);
    CHECK(points[1].recipes.compression.size() == 12);
    CHECK(points[2].recipes.compression == kNoRecipe);
    CHECK(std::isnan(points[0].teacher_cosine));
    CHECK(points[1].teacher_cosine == make_row(plan.stages[4], 4).outcome.teacher_cosine);
    CHECK(reader.input().planted == R"({"seed":1})");
    CHECK(reader.input().data_sets[1] == "test: rfw, drawn, 20 images, " + sha256("test").hex());
}

TEST_CASE("stores that contradict each other about what was planted say nothing") {
    Plan plan = make_plan(2);
    plan.data["test"] = {{"test", "rfw", "data/test", {}}, sha256("test"), true, 20, R"({"seed":1})"};
    const fs::path first = make_store("planted_a", plan, make_pairs(), 4);
    plan.data["test"].planted = R"({"seed":2})";
    const fs::path second = make_store("planted_b", plan, make_pairs(), 4);
    merge_stores(std::vector<fs::path>{first, second}, "planted_a/a.h5", "test");
    CHECK(AnalysisReader("planted_a/a.h5").input().planted.empty());
}

TEST_CASE("result tables come back as written, replace their namesakes and leave the rest alone") {
    const Plan plan = make_plan(2);
    const PairTable pairs = make_pairs();
    merge_stores(std::vector<fs::path>{make_store("tables", plan, pairs, 6)}, "tables/a.h5", "test");
    const double nan = std::numeric_limits<double>::quiet_NaN();
    ResultTable first{"contrasts",
                      {{"metric", "", std::vector<std::string>{"std", "gap of \xC3\x84"}},
                       {"estimate", "percent", std::vector<double>{1.25, nan}},
                       {"pairs", "", std::vector<std::int64_t>{-3, 1LL << 40}}},
                      {{"ddof", "1"}, {"empty", ""}}};
    const ResultTable empty{"nothing", {{"a", "", std::vector<double>{}}, {"b", "", std::vector<std::string>{}}}, {}};
    CHECK(result_table_names("tables/a.h5").empty());
    write_result_tables("tables/a.h5", std::vector<ResultTable>{first, empty});
    CHECK(result_table_names("tables/a.h5") == std::vector<std::string>{"contrasts", "nothing"});
    const ResultTable back = read_result_table("tables/a.h5", "contrasts");
    REQUIRE(back.columns.size() == 3);
    CHECK(back.columns[0].name == "metric");
    CHECK(back.columns[1].unit == "percent");
    CHECK(back.columns[0].values == first.columns[0].values);
    CHECK(back.columns[2].values == first.columns[2].values);
    CHECK(std::get<std::vector<double>>(back.columns[1].values)[0] == 1.25);
    CHECK(std::isnan(std::get<std::vector<double>>(back.columns[1].values)[1]));
    CHECK(back.attributes == first.attributes);
    CHECK(read_result_table("tables/a.h5", "nothing").columns.size() == 2);

    first.columns[2].values = std::vector<std::int64_t>{7, 8};
    write_result_tables("tables/a.h5", std::vector<ResultTable>{first});
    CHECK(read_result_table("tables/a.h5", "contrasts").columns[2].values == first.columns[2].values);
    CHECK(result_table_names("tables/a.h5").size() == 2);
    const std::uintmax_t size = fs::file_size("tables/a.h5");
    for (int i = 0; i < 5; ++i) write_result_tables("tables/a.h5", std::vector<ResultTable>{first});
    CHECK(fs::file_size("tables/a.h5") <= size + 100);  // replaced tables leave no holes
    CHECK(AnalysisReader("tables/a.h5").scores(1) == make_scores(5, pairs.size()));
    CHECK(kind_of([] { (void)read_result_table("tables/a.h5", "unknown"); }) == ErrorKind::store);
    CHECK(kind_of([] { (void)read_result_table("tables/a.h5", "nothing/a"); }) == ErrorKind::store);
}

TEST_CASE("an analysis file is not a store, nor the other way round, and both say so") {
    const Plan plan = make_plan(1);
    const fs::path store = make_store("kinds", plan, make_pairs(), 4);
    merge_stores(std::vector<fs::path>{store}, "kinds/a.h5", "test");
    CHECK(kind_of([&] { AnalysisReader reader(store); }) == ErrorKind::store);
    CHECK(kind_of([] { StoreReader reader("kinds/a.h5"); }) == ErrorKind::store);
    const std::string bytes = read_bytes("kinds/a.h5");
    for (const std::size_t size : {std::size_t{0}, std::size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
        write_bytes("kinds/a.h5", bytes.substr(0, size));
        CHECK(kind_of([] { AnalysisReader reader("kinds/a.h5"); }) == ErrorKind::store);
    }
}

TEST_CASE("a sweep without pairs and without points can be merged") {
    Plan plan = make_plan(1, 1, {});
    plan.points.clear();
    const std::vector<fs::path> stores{make_store("none", plan, PairTable{}, 0)};
    CHECK(merge_stores(stores, "none/a.h5", "test").points == 0);
    CHECK(AnalysisReader("none/a.h5").input().points.empty());
}
