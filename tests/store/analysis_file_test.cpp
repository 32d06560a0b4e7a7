#include "store/analysis_file.hpp"

#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>

#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "store/embedding_file.hpp"
#include "store/known_files.hpp"
#include "store/layout.hpp"
#include "store/merge.hpp"
#include "store_fixture.hpp"
#include "read_apart_child.hpp"
#include "store/seal.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;
namespace fs = std::filesystem;

namespace {

/// A store with the first `stages` stages done.
fs::path make_store(const std::string& name, const Plan& plan, const ItemTable& pairs, std::size_t stages) {
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

std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::store);
        return error.what();
    }
    return "no error";
}

/// The smallest analysis file with a result table in it.
void make_analysis(const std::string& name) {
    const Plan plan = make_plan(1);
    merge_stores(std::vector<fs::path>{make_store(name, plan, make_pairs(2), 4)}, name + "/a.h5", "test");
    write_result_tables(name + "/a.h5", std::vector<ResultTable>{{"t", {{"x", "", std::vector<double>{1.5}}}, {}}});
}

}  // namespace

TEST_CASE("merge keeps points, figures, pairs and scores, and shows what is missing as NaN") {
    const Plan plan = make_plan(4);
    const ItemTable pairs = make_pairs();
    const std::vector<fs::path> stores{make_store("merge", plan, pairs, 6)};  // dense and one compressed point
    const MergeSummary summary = merge_stores(stores, "merge/a.h5", "0.1.0 (test)");
    CHECK(summary.points == 4);
    CHECK(summary.points_done == 2);
    CHECK(summary.duplicates == 0);

    const AnalysisReader reader("merge/a.h5");
    const AnalysisInput& input = reader.input();
    CHECK(input.groups == plan.groups);
    CHECK(input.items == pairs);
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
    CHECK(point.measured[Metric::loss_last] == network.outcome.measured[Metric::loss_last]);
    CHECK(point.wall_s == network.outcome.wall_s + evaluation.outcome.wall_s);
    CHECK(point.attempts == network.attempt + evaluation.attempt);
    CHECK(point.measured[Metric::pooled_threshold] == evaluation.outcome.measured[Metric::pooled_threshold]);
    CHECK(point.figures == evaluation.outcome.groups);
    CHECK(point.code_version == plan.code_version);
    CHECK(std::isnan(input.points[2].measured[Metric::pooled_threshold]));
    CHECK(reader.scores(0) == make_scores(3, pairs.size()));
    CHECK(reader.scores(1) == make_scores(5, pairs.size()));
}

TEST_CASE("points of two stores are taken once, done ones first") {
    const Plan plan = make_plan(4);
    const ItemTable pairs = make_pairs();
    const std::vector<fs::path> stores{make_store("twice_a", plan, pairs, 4), make_store("twice_b", make_plan(3), pairs, 6)};
    const MergeSummary summary = merge_stores(stores, "twice_a/a.h5", "test");
    CHECK(summary.points == 4);
    CHECK(summary.points_done == 2);
    CHECK(summary.duplicates == 3);
    CHECK(AnalysisReader("twice_a/a.h5").scores(1) == make_scores(5, pairs.size()));
}

TEST_CASE("stores that contradict each other are merged by a rule, and the difference is told") {
    const Plan plan = make_plan(2);
    const ItemTable pairs = make_pairs();
    const fs::path first = make_store("differ_a", plan, pairs, 6);
    fs::remove_all("differ_b");
    {
        Store store = Store::open_for_update("differ_b/sweep.h5", plan, pairs);
        for (std::size_t stage = 0; stage < 5; ++stage) append_stage(store, plan, pairs, stage);
        Row row = make_row(plan.stages[5], 5);
        row.outcome.groups[1][accuracy_column(task_info("verification"))] += 2.5;
        std::vector<float> scores = make_scores(5, pairs.size());
        scores[3] += 0.25F;
        store.append(row, scores);
        store.close();
    }
    const MergeSummary summary = merge_stores(std::vector<fs::path>{first, "differ_b/sweep.h5"}, "differ_a/ab.h5", "test");
    CHECK(summary.duplicates == 2);
    CHECK(summary.comparison.compared == 2);
    CHECK(summary.comparison.differ == 1);
    CHECK(summary.comparison.largest_score_difference == 0.25);
    CHECK(std::abs(summary.comparison.largest_accuracy_difference - 2.5) < 1e-9);
    CHECK(summary.comparison.largest_point == plan.points[1].id);
    CHECK(summary.comparison.largest_group == "B");
    const std::string text = difference_text(summary.comparison, "a.h5, b.h5");
    CHECK_THAT(text, ContainsSubstring("1 of 2 results") && ContainsSubstring("2.5 points") && ContainsSubstring("named first"));
    CHECK(AnalysisReader("differ_a/ab.h5").scores(1) == make_scores(5, pairs.size()));
    merge_stores(std::vector<fs::path>{"differ_b/sweep.h5", first}, "differ_a/ba.h5", "test");
    CHECK(AnalysisReader("differ_a/ba.h5").scores(1)[3] == make_scores(5, pairs.size())[3] + 0.25F);

    const MergeSummary same =
        merge_stores(std::vector<fs::path>{first, make_store("differ_c", plan, pairs, 6)}, "differ_a/ac.h5", "test");
    CHECK(same.comparison.compared == 2);
    CHECK(difference_text(same.comparison, "a.h5, c.h5").empty());
    fs::remove("differ_c/sweep.h5.files/scores-0000.h5");
    const MergeSummary lost = merge_stores(std::vector<fs::path>{first, "differ_c/sweep.h5"}, "differ_a/ac.h5", "test");
    CHECK(lost.comparison.unreadable == 2);
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
    plan.data["faces"].planted = R"({"seed":7})";  // what is trained on says nothing of who is judged
    plan.stages[0].data_sets = {"test"};
    merge_stores(std::vector<fs::path>{make_store("recipes", plan, make_pairs(), 6)}, "recipes/a.h5", "test");
    const AnalysisReader reader("recipes/a.h5");
    const std::vector<AnalysisPoint>& points = reader.input().points;
    for (std::size_t i = 0; i < points.size(); ++i)
        CHECK(points[i].recipes == recipes_of(plan, plan.stages[plan.points[i].network_stage]));
    CHECK(points[0].recipes.baseline.size() == 12);
    CHECK(points[0].recipes.finetune == kNoRecipe);
    CHECK(points[1].recipes.compression.size() == 12);
    CHECK(points[2].recipes.compression == kNoRecipe);
    CHECK(std::isnan(points[0].measured[Metric::teacher_cosine]));
    CHECK(points[1].measured[Metric::teacher_cosine] == make_row(plan.stages[4], 4).outcome.measured[Metric::teacher_cosine]);
    CHECK(reader.input().planted == R"({"seed":1})");
    CHECK(reader.input().data_sets[1] == "test: rfw, drawn, 20 images, " + sha256("test").hex());
}

TEST_CASE("stores that contradict each other about what was planted say nothing") {
    Plan plan = make_plan(2);
    plan.data["test"] = {{"test", "rfw", "data/test", {}}, sha256("test"), true, 20, R"({"seed":1})"};
    plan.stages[0].data_sets = {"test"};
    const fs::path first = make_store("planted_a", plan, make_pairs(), 4);
    plan.data["test"].planted = R"({"seed":2})";
    const fs::path second = make_store("planted_b", plan, make_pairs(), 4);
    merge_stores(std::vector<fs::path>{first, second}, "planted_a/a.h5", "test");
    CHECK(AnalysisReader("planted_a/a.h5").input().planted.empty());
}

TEST_CASE("result tables come back as written, replace their namesakes and leave the rest alone") {
    const Plan plan = make_plan(2);
    const ItemTable pairs = make_pairs();
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

TEST_CASE("one flipped bit of an analysis file is found, wherever it is") {
    make_analysis("flips");
    const fs::path path = "flips/a.h5";
    const std::string whole = read_bytes(path);
    File file = File::open_for_update(path);
    std::size_t found = 0, refused = 0, read = 0;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        const auto changed = static_cast<std::byte>(whole[at] ^ (1 << at % 8));
        file.write_at(at, std::span(&changed, 1));
        // What every reader asks first; of every 101st byte, and of the seal's, the readers themselves.
        found += kind_of([&] { check_seal(path, kAnalysisWords); }) == ErrorKind::store ? 1 : 0;
        if (at % 101 == 0 || at + kSealBytes > whole.size()) {
            ++read;
            refused += kind_of([&] { AnalysisReader reader(path); }) == ErrorKind::store ? 1 : 0;
            refused += kind_of([&] { (void)read_result_table(path, "t"); }) == ErrorKind::store ? 1 : 0;
            refused += kind_of([&] { (void)result_table_names(path); }) == ErrorKind::store ? 1 : 0;
            refused += kind_of([&] { write_result_tables(path, {}); }) == ErrorKind::store ? 1 : 0;
        }
        file.write_at(at, std::as_bytes(std::span(&whole[at], 1)));
    }
    CHECK(found == whole.size());
    CHECK(refused == 4 * read);
    CHECK(read_bytes(path) == whole);
    CHECK(std::get<std::vector<double>>(read_result_table(path, "t").columns[0].values)[0] == 1.5);
}

TEST_CASE("an analysis file that another program changed, or of an earlier version, says what to do") {
    make_analysis("changed");
    fs::resize_file("changed/a.h5", fs::file_size("changed/a.h5") - kSealBytes);  // what HDF5 does when it wrote to the file
    CHECK_THAT(message_of([] { AnalysisReader reader("changed/a.h5"); }),
               ContainsSubstring("changed by another program") && ContainsSubstring("fairsweep merge STORE"));
    h5::Writer old("old", h5::Storage::compressed);
    old.set_attribute("/", "format", std::string(kAnalysisFormat));
    old.set_attribute("/", "version", std::uint64_t{1});
    write_file_atomically("changed/old.h5", old.finish());
    CHECK_THAT(message_of([] { AnalysisReader reader("changed/old.h5"); }),
               ContainsSubstring("an analysis file of version 1") && ContainsSubstring("fairsweep merge STORE"));
}

TEST_CASE("a number whose type has another exponent or order is not converted") {
    make_analysis("types");
    for (const bool big_endian : {false, true}) {
        h5::Writer writer("types", h5::Storage::contiguous);
        h5::TypeHandle type(H5Tcopy(big_endian ? H5T_IEEE_F32BE : H5T_IEEE_F32LE));
        if (!big_endian) H5Tset_fields(type.get(), 31, 22, 8, 0, 22);
        writer.make("/scores", type.get(), {1, 4}, nullptr).reset();
        write_file_atomically("types/other.h5", writer.finish());
        const h5::Reader reader("types/other.h5");
        CHECK_THAT(message_of([&] { (void)reader.get_row("/scores", 0, 4); }), ContainsSubstring("another number type"));
        CHECK_THAT(message_of([&] { (void)reader.get<float>("/scores"); }), ContainsSubstring("another number type"));
    }
}

TEST_CASE("a wrong file is named, with the command that takes it") {
    const Plan plan = make_plan(1);
    const fs::path store = make_store("kinds", plan, make_pairs(), 4);
    merge_stores(std::vector<fs::path>{store}, "kinds/a.h5", "test");
    write_embedding_file("kinds/e.h5",
                         {.images = 1, .dimensions = 1, .embeddings = {1.0F}, .paths = {"a/a_0001"}, .attributes = {}});
    h5::Writer foreign("foreign", h5::Storage::contiguous);
    foreign.put("/embeddings", std::vector<float>{1.0F});
    write_file_atomically("kinds/foreign.h5", foreign.finish());
    const auto as_analysis = [](const fs::path& path) { return message_of([&] { AnalysisReader reader(path); }); };
    const auto as_store = [](const fs::path& path) { return message_of([&] { StoreReader reader(path); }); };
    CHECK_THAT(as_analysis(store),
               ContainsSubstring("a store") && ContainsSubstring("fairsweep merge kinds/sweep.h5 --output A.h5"));
    CHECK_THAT(as_analysis("kinds/sweep.h5.files/scores-0000.h5"), ContainsSubstring("a score shard"));
    CHECK_THAT(as_store("kinds/a.h5"),
               ContainsSubstring("an analysis file") && ContainsSubstring("fairsweep analyze kinds/a.h5"));
    for (const char* path : {"kinds/e.h5", "kinds/foreign.h5"}) {
        const std::string command = "fairsweep evaluate --embeddings " + std::string(path);
        CHECK_THAT(as_analysis(path), ContainsSubstring("an embedding file") && ContainsSubstring(command));
        CHECK_THAT(as_store(path), ContainsSubstring("an embedding file") && ContainsSubstring(command));
    }
    const std::string bytes = read_bytes("kinds/a.h5");
    for (const std::size_t size : {std::size_t{0}, std::size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
        write_bytes("kinds/a.h5", bytes.substr(0, size));
        CHECK(kind_of([] { AnalysisReader reader("kinds/a.h5"); }) == ErrorKind::store);
    }
}

TEST_CASE("a sweep without pairs and without points can be merged") {
    Plan plan = make_plan(1, 1, {});
    plan.points.clear();
    const std::vector<fs::path> stores{make_store("none", plan, ItemTable{}, 0)};
    CHECK(merge_stores(stores, "none/a.h5", "test").points == 0);
    CHECK(AnalysisReader("none/a.h5").input().points.empty());
}

TEST_CASE("a file built on disk has the bytes of one built in memory, however it grows") {
    const auto fill = [](h5::Writer& writer) {
        writer.set_attribute("/", "format", std::string("any"));
        writer.put_text("/names", {"a", "bb", ""});
        const float nan = std::numeric_limits<float>::quiet_NaN();
        const h5::DatasetHandle scores = writer.make("/scores", H5T_IEEE_F32LE, {200, 3000}, &nan);
        for (hsize_t row = 0; row < 200; row += row % 3 + 1)
            writer.put_rows(scores, row, 1, 3000, make_scores(static_cast<std::uint32_t>(row), 3000));
        writer.make_group("/more");
        for (int i = 0; i < 60; ++i) writer.put("/more/" + std::to_string(i), std::vector<double>(100, i));
    };
    h5::Writer in_memory("memory", h5::Storage::compressed);
    fill(in_memory);
    write_file_atomically("memory.h5", in_memory.finish());
    File file = File::create("disk.h5");
    h5::Writer on_disk(file, h5::Storage::compressed);
    fill(on_disk);
    on_disk.finish_file();
    CHECK(read_bytes("disk.h5") == read_bytes("memory.h5"));
}

namespace {

/// While it lives no file of this process grows beyond so many bytes: what a full disk looks like.
class SmallFiles {
public:
    explicit SmallFiles(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit small{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &small);
    }
    ~SmallFiles() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    SmallFiles(const SmallFiles&) = delete;
    SmallFiles& operator=(const SmallFiles&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int);
};

std::size_t files_in(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator{}));
}

}  // namespace

TEST_CASE("a disk that is full while an analysis file is written gives one error, and leaves the old file") {
    const Plan plan = make_plan(40);
    const ItemTable pairs = make_pairs(500);
    const std::vector<fs::path> stores{make_store("full", plan, pairs, plan.stages.size())};
    merge_stores(stores, "full/a.h5", "test");
    const std::string before = read_bytes("full/a.h5");
    const std::size_t files = files_in("full");
    for (std::size_t bytes = 0; bytes < before.size(); bytes += 1 + before.size() / 25) {
        std::optional<ErrorKind> merging, adding;
        {
            const SmallFiles limit(bytes);
            merging = kind_of([&] { merge_stores(stores, "full/a.h5", "test"); });
            adding = kind_of([&] { write_result_tables("full/a.h5", {}); });
        }
        CHECK(merging == ErrorKind::infrastructure);
        CHECK(adding == ErrorKind::infrastructure);
        CHECK(files_in("full") == files);
    }
    CHECK(read_bytes("full/a.h5") == before);
}
