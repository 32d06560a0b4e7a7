#include "store/store.hpp"

#include <hdf5.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <limits>

#include "fairsweep/error.hpp"
#include "fairsweep/process.hpp"
#include "store/layout.hpp"
#include "store/row_record.hpp"
#include "store/seal.hpp"
#include "store/store_lock.hpp"
#include "store_fixture.hpp"
#include "read_apart_child.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;
namespace fs = std::filesystem;

namespace {

struct Scene {
    Plan plan = make_plan(4);
    ItemTable pairs = make_pairs();
    fs::path path = fs::temp_directory_path();

    explicit Scene(const std::string& name) : path(fs::path(name) / "sweep.h5") { fs::remove_all(name); }
    Store open() const { return Store::open_for_update(path, plan, pairs); }
    void fill(std::size_t first, std::size_t end) const {
        Store store = open();
        for (std::size_t stage = first; stage < end; ++stage) {
            append_stage(store, plan, pairs, stage);
            store.sync();
        }
        store.close();
    }
};

/// What the reader sees equals rows and scores of stages [0, count) and nothing else.
void check_holds(const Scene& scene, std::size_t count) {
    const StoreReader reader(scene.path);
    REQUIRE(reader.rows().size() == count);
    for (std::size_t i = 0; i < count; ++i) {
        const Stage& stage = scene.plan.stages[i];
        REQUIRE(reader.row(stage.id) != nullptr);
        CHECK(same_row(*reader.row(stage.id), make_row(stage, static_cast<std::uint32_t>(i))));
        if (stage.kind == StageKind::evaluation) {
            CHECK(reader.scores(stage.id) == make_scores(static_cast<std::uint32_t>(i), scene.pairs.size()));
        }
    }
}

/// Offset of the rows in the main file, found by HDF5.
std::uint64_t find_rows(const fs::path& path) {
    const h5::Reader reader(path);
    return rows_offset(reader, read_store_contents(reader));
}

void flip(const fs::path& path, std::uint64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte ^ 0x10));
}

template <typename Action>
Error error_of(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing was thrown");
    throw std::logic_error("unreachable");
}

}  // namespace

TEST_CASE("a new store holds the plan and the pairs and no rows") {
    const Scene scene("new");
    scene.fill(0, 0);
    const StoreReader reader(scene.path);
    CHECK(plan_to_json(reader.plan()) == plan_to_json(scene.plan));
    CHECK(reader.items() == scene.pairs);
    CHECK(reader.rows().empty());
    CHECK(reader.warnings().empty());
    CHECK(reader.row(scene.plan.stages[0].id) == nullptr);
    CHECK_THROWS_AS(reader.scores(scene.plan.points[0].id), Error);
}

TEST_CASE("rows and scores come back as they were, at once and after reopening") {
    const Scene scene("roundtrip");
    const std::size_t stages = scene.plan.stages.size();
    scene.fill(0, stages);
    check_holds(scene, stages);
    const Store store = scene.open();
    CHECK(store.rows().size() == stages);
    CHECK(store.warnings().empty());
    CHECK(StoreReader(scene.path).code_version(scene.plan.stages[1].id) == scene.plan.code_version);
}

TEST_CASE("a row counts when it is synced, not before") {
    const Scene scene("commit");
    Store store = scene.open();
    append_stage(store, scene.plan, scene.pairs, 0);
    append_stage(store, scene.plan, scene.pairs, 1);
    CHECK(store.rows().empty());
    CHECK(store.rows_pending() == 2);
    CHECK(StoreReader(scene.path).rows().empty());
    store.sync();
    CHECK(store.rows().size() == 2);
    CHECK(StoreReader(scene.path).rows().size() == 2);
}

TEST_CASE("a later attempt replaces a row; a committed evaluation with scores stays") {
    const Scene scene("replace");
    Store store = scene.open();
    Row row = make_row(scene.plan.stages[1], 1);
    row.outcome.state = StageState::failed;
    CHECK(store.append(row, {}));
    store.sync();
    row.outcome.state = StageState::done;
    row.attempt = 2;
    CHECK(store.append(row, {}));
    store.sync();
    CHECK(store.row(row.stage_id)->attempt == 2);
    CHECK(StoreReader(scene.path).row(row.stage_id)->outcome.state == StageState::done);

    append_stage(store, scene.plan, scene.pairs, 3);
    store.sync();
    const Stage& evaluation = scene.plan.stages[3];
    REQUIRE(evaluation.kind == StageKind::evaluation);
    CHECK(!store.append(make_row(evaluation, 9), make_scores(9, scene.pairs.size())));
    store.sync();
    CHECK(StoreReader(scene.path).scores(evaluation.id) == make_scores(3, scene.pairs.size()));
}

TEST_CASE("a second owner is turned away with the first one's pid") {
    const Scene scene("owners");
    Store store = scene.open();
    CHECK(store_owner(scene.path) == StoreOwner::at_work);
    const Error error = error_of([&] { (void)scene.open(); });
    CHECK(error.kind() == ErrorKind::infrastructure);
    CHECK_THAT(error.what(), ContainsSubstring("pid " + std::to_string(::getpid())));
    store.close();
    CHECK(store_owner(scene.path) == StoreOwner::none);
    CHECK_NOTHROW(scene.open());
}

TEST_CASE("a lock that is a link is refused, and what it leads to stays as it is") {
    const Scene scene("planted");
    write_bytes("keys.txt", "mine");
    std::filesystem::create_directories(scene.path.parent_path());
    std::filesystem::create_symlink(std::filesystem::absolute("keys.txt"), lock_path(scene.path));
    CHECK(error_of([&] { (void)scene.open(); }).kind() == ErrorKind::infrastructure);
    CHECK(read_bytes("keys.txt") == "mine");
    CHECK(!std::filesystem::exists(scene.path));
}

TEST_CASE("attempts that came to no end are counted over runs") {
    const Scene scene("history");
    Row row = make_row(scene.plan.stages[1], 1);
    row.outcome.state = StageState::preempted;
    const auto append = [&](Store& store, FailureClass failure) {
        row.outcome.failure = failure;
        store.append(row, {});
        store.sync();
    };
    for (std::uint32_t runs = 1; runs <= 3; ++runs) {
        Store store = scene.open();
        append(store, FailureClass::preempted);
        append(store, FailureClass::lost);
        CHECK(store.history(row.stage_id).losses == runs);
        store.close();
        CHECK(scene.open().history(row.stage_id).losses == runs);
    }
    Store store = scene.open();
    row.outcome.state = StageState::lost;
    append(store, FailureClass::lost);
    CHECK(store.history(row.stage_id).losses == 0);
    CHECK(store.history(sha256("no stage of this plan")).losses == 0);
}

TEST_CASE("what killed runs left half-made is removed when the store is opened") {
    const Scene scene("leftovers");
    scene.open().close();
    const std::string dead = ".tmp-" + host_name() + "-" + std::to_string(std::numeric_limits<pid_t>::max()) + "-00ff";
    const std::filesystem::path others = scene.path.parent_path() / ("other.h5" + dead);
    const std::vector<std::filesystem::path> ours = {artefact_folder_of(scene.path) / ("1f2e.ckpt" + dead),
                                                     scene.path.string() + dead, live_path(scene.path).string() + dead};
    for (const auto& file : ours) write_bytes(file, "half");
    write_bytes(others, "half");
    scene.open().close();
    for (const auto& file : ours) CHECK(!std::filesystem::exists(file));
    CHECK(std::filesystem::exists(others));
}

TEST_CASE("the journal alone rebuilds every row") {
    const Scene scene("rebuild");
    const std::size_t stages = scene.plan.stages.size();
    scene.fill(0, 0);
    const std::string blank = read_bytes(scene.path);
    scene.fill(0, stages);
    write_bytes(scene.path, blank);
    check_holds(scene, stages);
    CHECK(scene.open().rows().size() == stages);
    fs::remove(journal_path(scene.path));  // and now they are in the file itself
    check_holds(scene, stages);
}

TEST_CASE("a journal cut at any byte loses nothing that the file has, and is whole again after opening") {
    const Scene scene("torn");
    scene.fill(0, 5);
    const std::string journal = read_bytes(journal_path(scene.path));
    const std::string store = read_bytes(scene.path);
    const std::size_t record = kJournalFrameBytes + row_bytes(shape(2));
    for (std::size_t size = kJournalHeaderBytes; size < journal.size(); size += 1 + (size % 37)) {
        write_bytes(journal_path(scene.path), journal.substr(0, size));
        write_bytes(scene.path, store);
        {
            const StoreReader reader(scene.path);
            REQUIRE(reader.rows().size() == 5);
            const bool torn = (size - kJournalHeaderBytes) % record != 0;
            REQUIRE(reader.warnings().size() == (torn ? 1u : 0u));
        }
        { REQUIRE(scene.open().rows().size() == 5); }
        REQUIRE((fs::file_size(journal_path(scene.path)) - kJournalHeaderBytes) % record == 0);
        REQUIRE(StoreReader(scene.path).warnings().empty());
    }
    check_holds(scene, 5);
}

TEST_CASE("a torn journal whose rows never reached the file gives the rows before the tear") {
    const Scene scene("torn_blank");
    scene.fill(0, 0);
    const std::string blank = read_bytes(scene.path);
    scene.fill(0, 5);
    const std::string journal = read_bytes(journal_path(scene.path));
    const std::size_t record = kJournalFrameBytes + row_bytes(shape(2));
    for (std::size_t rows = 0; rows < 5; ++rows) {
        write_bytes(scene.path, blank);
        write_bytes(journal_path(scene.path), journal.substr(0, kJournalHeaderBytes + rows * record + record / 2));
        check_holds(scene, rows);
        const Store store = scene.open();
        CHECK(store.rows().size() == rows);
        CHECK(store.warnings().size() == 1);
    }
}

TEST_CASE("a flipped bit in a row is mended from the journal") {
    const Scene scene("flip_row");
    scene.fill(0, 5);
    const std::uint64_t offset = find_rows(scene.path);
    const std::size_t size = row_bytes(shape(2));
    for (std::size_t row = 0; row < 5; ++row) flip(scene.path, offset + row * size + 11 * (row + 1));
    check_holds(scene, 5);
    CHECK(StoreReader(scene.path).warnings().size() == 1);
    CHECK(scene.open().warnings().size() == 1);
    CHECK(StoreReader(scene.path).warnings().empty());
    fs::remove(journal_path(scene.path));
    check_holds(scene, 5);
}

TEST_CASE("a flipped bit in the middle of the journal is mended from the rows, and reported") {
    const Scene scene("flip_journal");
    scene.fill(0, 5);
    const std::size_t record = kJournalFrameBytes + row_bytes(shape(2));
    flip(journal_path(scene.path), kJournalHeaderBytes + 2 * record + 100);
    check_holds(scene, 5);
    {
        const Store store = scene.open();
        CHECK(store.rows().size() == 5);
        CHECK(store.warnings().size() == 2);  // damaged; written anew
    }
    CHECK(StoreReader(scene.path).warnings().empty());
    scene.fill(5, 7);
    check_holds(scene, 7);
}

TEST_CASE("a row damaged in journal and file alike is a store error that names the place") {
    const Scene scene("flip_both");
    scene.fill(0, 5);
    flip(journal_path(scene.path), kJournalHeaderBytes + 2 * (kJournalFrameBytes + row_bytes(shape(2))) + 100);
    flip(scene.path, find_rows(scene.path) + 2 * row_bytes(shape(2)) + 100);
    const Error error = error_of([&] { (void)scene.open(); });
    CHECK(error.kind() == ErrorKind::store);
    CHECK_THAT(error.what(), ContainsSubstring("record 3"));
    fs::rename(journal_path(scene.path), "flip_both/away");  // what the hint says
    const Store store = scene.open();
    CHECK(store.rows().size() == 4);
    CHECK(!store.row(scene.plan.stages[2].id));
}

TEST_CASE("a lost journal is written anew from the rows, and numbering goes on") {
    const Scene scene("lost_journal");
    scene.fill(0, 4);
    fs::remove(journal_path(scene.path));
    scene.fill(4, 6);
    check_holds(scene, 6);
    CHECK(scene.open().warnings().empty());
}

TEST_CASE("the journal of another store is refused") {
    const Scene mine("journal_a");
    const Scene other("journal_b");
    mine.fill(0, 2);
    other.fill(0, 3);
    fs::copy_file(journal_path(other.path), journal_path(mine.path), fs::copy_options::overwrite_existing);
    CHECK(error_of([&] { (void)mine.open(); }).kind() == ErrorKind::store);
    CHECK(error_of([&] { StoreReader reader(mine.path); }).kind() == ErrorKind::store);
}

TEST_CASE("a journal with results but without its store is not overwritten") {
    const Scene scene("orphan");
    scene.fill(0, 2);
    fs::remove(scene.path);
    const std::string journal = read_bytes(journal_path(scene.path));
    CHECK(error_of([&] { (void)scene.open(); }).kind() == ErrorKind::store);
    CHECK(read_bytes(journal_path(scene.path)) == journal);
    fs::remove(journal_path(scene.path));  // what the hint says
    scene.fill(0, 1);
    check_holds(scene, 1);
}

TEST_CASE("a bigger plan keeps old rows and scores, a smaller one changes nothing") {
    Scene scene("grow");
    const Plan small = scene.plan;
    scene.fill(0, small.stages.size());
    Plan wanted = make_plan(3, 3);  // seeds 3 .. 5: shares stages and a point with the old one
    wanted.sweep_name = "more";
    {
        const Store store = Store::open_for_update(scene.path, wanted, scene.pairs);
        CHECK(store.rows().size() == small.stages.size());
        CHECK(store.plan().points.size() == small.points.size() + 1);
        CHECK(store.plan().sweep_name == "test + more");
    }
    check_holds(scene, small.stages.size());
    {
        Store store = Store::open_for_update(scene.path, wanted, scene.pairs);
        const Plan all = store.plan();
        for (std::size_t stage = small.stages.size(); stage < all.stages.size(); ++stage)
            append_stage(store, all, scene.pairs, stage);
        store.close();
        scene.plan = all;
    }
    check_holds(scene, scene.plan.stages.size());
    const std::string before = read_bytes(scene.path);
    { CHECK(Store::open_for_update(scene.path, small, scene.pairs).rows().size() == scene.plan.stages.size()); }
    CHECK(read_bytes(scene.path) == before);
    for (const Stage& stage : scene.plan.stages) {
        for (const StageIndex need : stage.needs) CHECK(need < scene.plan.stages.size());
    }
}

TEST_CASE("a job over other groups, pairs or another task needs another store") {
    const Scene scene("other_set");
    scene.fill(0, 2);
    const auto attempt = [&](const Plan& plan, const ItemTable& pairs) {
        const Error error = error_of([&] { (void)Store::open_for_update(scene.path, plan, pairs); });
        CHECK(error.kind() == ErrorKind::store);
        CHECK_THAT(error.what(), ContainsSubstring("--store"));
    };
    attempt(scene.plan, make_pairs(11));
    attempt(make_plan(4, 1, {"A", "C"}), make_pairs(10, {"A", "C"}));
    Plan other = scene.plan;
    other.task = "expression";
    attempt(other, scene.pairs);
    check_holds(scene, 2);
}

TEST_CASE("lost or damaged scores take their rows back, so that they are measured again") {
    const Scene scene("scores");
    const std::size_t stages = scene.plan.stages.size();
    scene.fill(0, stages);
    const fs::path shard = artefact_folder_of(scene.path) / "scores-0000.h5";
    REQUIRE(fs::exists(shard));
    SECTION("one value changed") {
        const std::string bytes = read_bytes(shard);
        const auto scores = make_scores(3, scene.pairs.size());
        const std::size_t offset = bytes.find(std::string(reinterpret_cast<const char*>(scores.data()), 40));
        REQUIRE(offset != std::string::npos);
        flip(shard, offset + 8);
        const Error error = error_of([&] { (void)StoreReader(scene.path).scores(scene.plan.stages[3].id); });
        CHECK(error.kind() == ErrorKind::store);
        CHECK_NOTHROW(StoreReader(scene.path).scores(scene.plan.stages[5].id));
        Store store = scene.open();
        CHECK(!store.row(scene.plan.stages[3].id));
        CHECK(store.rows().size() == stages - 1);
        append_stage(store, scene.plan, scene.pairs, 3);
        store.close();
    }
    SECTION("the shard is gone") {
        fs::remove(shard);
        CHECK(error_of([&] { (void)StoreReader(scene.path).scores(scene.plan.stages[3].id); }).kind() == ErrorKind::store);
        Store store = scene.open();
        for (std::size_t i = 0; i < stages; ++i) {
            if (scene.plan.stages[i].kind == StageKind::evaluation) append_stage(store, scene.plan, scene.pairs, i);
        }
        CHECK(store.rows_pending() == scene.plan.points.size());
        store.close();
    }
    SECTION("the shard is cut") {
        fs::resize_file(shard, fs::file_size(shard) / 2);
        Store store = scene.open();
        CHECK(store.rows().size() == stages - scene.plan.points.size());
        CHECK(fs::exists(shard.string() + ".damaged"));
        for (std::size_t i = 0; i < stages; ++i) {
            if (scene.plan.stages[i].kind == StageKind::evaluation) append_stage(store, scene.plan, scene.pairs, i);
        }
        store.close();
    }
    check_holds(scene, stages);
}

TEST_CASE("missing, foreign, truncated and other-version files are store errors that say what was found") {
    const Scene scene("foreign");
    scene.fill(0, 3);
    const std::string good = read_bytes(scene.path);
    const auto refuse = [&](const std::string& expected_text) {
        for (const bool reading : {true, false}) {
            const Error error = error_of([&] {
                if (reading) {
                    StoreReader reader(scene.path);
                } else {
                    (void)scene.open();
                }
            });
            CHECK(error.kind() == ErrorKind::store);
            CHECK_THAT(error.what(), ContainsSubstring(expected_text));
        }
    };
    SECTION("not HDF5") {
        write_bytes(scene.path, "this is a text file, long enough to be looked at by anybody");
        refuse("HDF5");
    }
    SECTION("empty") {
        write_bytes(scene.path, "");
        refuse("0 bytes");
    }
    SECTION("cut") {
        for (const double part : {0.1, 0.5, 0.9, 0.999}) {
            write_bytes(scene.path, good.substr(0, static_cast<std::size_t>(static_cast<double>(good.size()) * part)));
            refuse("truncated");
        }
    }
    SECTION("another version") {
        h5::Writer file("test", h5::Storage::contiguous);
        file.set_attribute("/", "format", std::string(kStoreFormat));
        file.set_attribute("/", "version", std::uint64_t{99});
        auto bytes = file.finish();
        seal(bytes, bytes.size(), 0);
        write_bytes(scene.path, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
        refuse("version 99");
        refuse("version 2");
    }
    SECTION("a plan of another version") {
        const std::size_t at = good.find("\"format\":");
        REQUIRE(at != std::string::npos);
        std::string older = good;
        older[at + 9] = '0';
        std::vector<std::byte> bytes(older.size() - kSealBytes);
        std::memcpy(bytes.data(), older.data(), bytes.size());
        seal(bytes, bytes.size(), 0);
        write_bytes(scene.path, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
        refuse(scene.path.string());
        refuse("another --store");
    }
    SECTION("somebody else's HDF5 file") {
        h5::Writer file("test", h5::Storage::contiguous);
        file.make_group("/data");
        const auto bytes = file.finish();
        write_bytes(scene.path, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
        refuse("somebody else");
        auto sealed = bytes;
        seal(sealed, sealed.size(), 0);
        write_bytes(scene.path, std::string(reinterpret_cast<const char*>(sealed.data()), sealed.size()));
        refuse("somebody else");
    }
    SECTION("a folder") {
        fs::remove(scene.path);
        fs::create_directory(scene.path);
        refuse("not a regular file");
    }
    CHECK(error_of([] { StoreReader reader("nowhere.h5"); }).kind() == ErrorKind::store);
}

TEST_CASE("any flipped bit of the main file leaves a clear error or the same rows, never others") {
    const Scene scene("flip_any");
    scene.fill(0, scene.plan.stages.size());
    const std::string good = read_bytes(scene.path);
    std::size_t refused = 0;
    for (std::size_t offset = 0; offset < good.size(); offset += 1 + offset % 61) {
        write_bytes(scene.path, good);
        flip(scene.path, offset);
        try {
            const StoreReader reader(scene.path);
            for (std::size_t i = 0; i < scene.plan.stages.size(); ++i) {
                const Row* row = reader.row(scene.plan.stages[i].id);
                if (row != nullptr) REQUIRE(same_row(*row, make_row(scene.plan.stages[i], static_cast<std::uint32_t>(i))));
            }
        } catch (const Error& error) {
            REQUIRE(error.kind() == ErrorKind::store);
            ++refused;
        }
    }
    CHECK(refused > 0);
}

TEST_CASE("a folder that cannot be written to is one infrastructure error and leaves nothing behind") {
    const Plan plan = make_plan(2);
    const ItemTable pairs = make_pairs();
    write_bytes("a_file", "x");
    CHECK(error_of([&] { (void)Store::open_for_update("a_file/sweep.h5", plan, pairs); }).kind() == ErrorKind::infrastructure);
    CHECK(error_of([&] { (void)Store::open_for_update("/proc/sweep.h5", plan, pairs); }).kind() == ErrorKind::infrastructure);
    CHECK(read_bytes("a_file") == "x");
}

namespace {

/// Runs `action` in a child whose files cannot grow beyond `limit_bytes`: to a program that is a full disk (EFBIG).
/// Returns the child's exit code; 42 is an infrastructure error.
template <typename Action>
int with_full_disk(std::uint64_t limit_bytes, Action action) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{limit_bytes, limit_bytes};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        int code = 0;
        try {
            action();
        } catch (const Error& error) {
            code = error.kind() == ErrorKind::infrastructure ? 42 : 43;
        } catch (...) {
            code = 44;
        }
        ::_exit(code);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

TEST_CASE("a disk that is full while the store is laid out leaves nothing behind") {
    const Scene scene("full_new");
    for (const std::uint64_t limit : {0, 100, 1000, 5000, 20000}) {
        CHECK(with_full_disk(limit, [&] { scene.fill(0, 0); }) == 42);
        CHECK(fs::is_empty("full_new"));
    }
    scene.fill(0, 2);
    check_holds(scene, 2);
}

TEST_CASE("a disk that fills up while rows are written keeps what was committed") {
    const Scene scene("full_rows");
    scene.fill(0, 2);
    const std::uint64_t journal_bytes = fs::file_size(journal_path(scene.path));
    // Room for the main file, but the journal cannot take two more records.
    const std::uint64_t limit = std::max<std::uint64_t>(journal_bytes + row_bytes(shape(2)) + 100, 0);
    REQUIRE(limit < fs::file_size(scene.path));
    const int code = with_full_disk(limit, [&] {
        Store store = scene.open();
        for (std::size_t stage : {2u, 3u, 4u}) append_stage(store, scene.plan, scene.pairs, stage);
        store.sync();
    });
    CHECK(code == 42);
    CHECK(fs::file_size(journal_path(scene.path)) == journal_bytes);
    check_holds(scene, 2);
    scene.fill(2, 5);
    check_holds(scene, 5);
}

TEST_CASE("a disk that is full while a plan is added leaves the store as it was") {
    const Scene scene("full_grow");
    scene.fill(0, 4);
    const std::string before = read_bytes(scene.path);
    const Plan bigger = make_plan(40);
    CHECK(with_full_disk(before.size() + 1000, [&] { (void)Store::open_for_update(scene.path, bigger, scene.pairs); }) == 42);
    CHECK(read_bytes(scene.path) == before);
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator("full_grow")) files += entry.is_regular_file() ? 1 : 0;
    CHECK(files == 4);  // store, journal, lock, one shard
    check_holds(scene, 4);
}

TEST_CASE("a store without groups and pairs works") {
    Plan plan = make_plan(2, 1, {});
    {
        Store store = Store::open_for_update("bare/sweep.h5", plan, ItemTable{});
        Row row = make_row(plan.stages[3], 1, 0);
        store.append(row, {});
        store.close();
    }
    const StoreReader reader("bare/sweep.h5");
    CHECK(reader.rows().size() == 1);
    CHECK(reader.items().size() == 0);
}
