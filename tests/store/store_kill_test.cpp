// Kills a writer at random moments, again and again on one store: no acknowledged row is lost or changed, and readers at
// work all the while never fail. Each writer acknowledges through a pipe what sync() made durable.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "fairsweep/random.hpp"
#include "store/store.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

const std::filesystem::path kPath = "kill/sweep.h5";

/// Appends stages that have no row in an order and batches drawn from `round`; writes each stage's number to `pipe` when durable.
[[noreturn]] void write_until_killed(const Plan& plan, const ItemTable& pairs, std::uint64_t round, int pipe) {
    Store store = Store::open_for_update(kPath, plan, pairs);
    RandomStream random(round, 1, "order");
    std::vector<std::uint32_t> batch;
    const auto commit = [&] {
        store.sync();
        if (!batch.empty() && ::write(pipe, batch.data(), batch.size() * sizeof(std::uint32_t)) < 0) ::_exit(3);
        batch.clear();
    };
    for (const std::uint32_t stage : shuffled_indices(static_cast<std::uint32_t>(plan.stages.size()), random)) {
        if (store.row(plan.stages[stage].id)) continue;
        append_stage(store, plan, pairs, stage);
        batch.push_back(stage);
        if (random.below(3) == 0) commit();
    }
    commit();
    ::close(pipe);  // nothing more to wait for
    for (;;) ::pause();
}

void check_rows(const StoreReader& reader, const Plan& plan, const ItemTable& pairs,
                const std::set<std::uint32_t>& acknowledged) {
    for (const std::uint32_t stage : acknowledged) REQUIRE(reader.row(plan.stages[stage].id) != nullptr);
    for (std::uint32_t stage = 0; stage < plan.stages.size(); ++stage) {
        const Row* row = reader.row(plan.stages[stage].id);
        if (row == nullptr) continue;
        REQUIRE(same_row(*row, make_row(plan.stages[stage], stage)));
        if (plan.stages[stage].kind == StageKind::evaluation) {
            REQUIRE(reader.scores(plan.stages[stage].id) == make_scores(stage, pairs.size()));
        }
    }
}

/// One acknowledged stage; false when the writer has no more.
bool read_one(int pipe, std::set<std::uint32_t>& acknowledged) {
    std::uint32_t stage = 0;
    if (::read(pipe, &stage, sizeof stage) != sizeof stage) return false;
    acknowledged.insert(stage);
    return true;
}

/// One writer, read all the while and killed after a random number of acknowledgements and a random time more.
void run_round(const Plan& plan, const ItemTable& pairs, std::uint64_t round, std::set<std::uint32_t>& acknowledged) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t writer = ::fork();
    REQUIRE(writer >= 0);
    if (writer == 0) {
        ::close(ends[0]);
        write_until_killed(plan, pairs, round, ends[1]);
    }
    ::close(ends[1]);
    RandomStream random(round, 2, "kill");
    const std::size_t open_stages = plan.stages.size() - acknowledged.size();
    // Every third round the kill falls into opening or growing.
    const std::uint64_t wanted = round % 3 == 2 ? 0 : random.below(std::min<std::size_t>(open_stages, 6) + 1);
    for (std::uint64_t i = 0; i < wanted && read_one(ends[0], acknowledged); ++i) {
    }
    if (random.below(3) == 0 && std::filesystem::exists(kPath)) check_rows(StoreReader(kPath), plan, pairs, acknowledged);
    ::usleep(static_cast<useconds_t>(random.below(wanted == 0 ? 8000 : 500)));
    ::kill(writer, SIGKILL);
    int status = 0;
    ::waitpid(writer, &status, 0);
    REQUIRE(WIFSIGNALED(status));  // it never ends by itself: an error in it would show here
    while (read_one(ends[0], acknowledged)) {
    }
    ::close(ends[0]);
}

}  // namespace

TEST_CASE("no kill of the writer at any moment loses or changes a committed row") {
    const ItemTable pairs = make_pairs(500);
    std::set<std::uint32_t> acknowledged;
    Plan plan = make_plan(20);
    constexpr std::uint64_t kRounds = 120;
    for (std::uint64_t round = 0; round < kRounds; ++round) {
        if (round % 10 == 9) {
            // Growing is killed too. Stages keep their positions, so that the numbers stay.
            plan = make_plan(20 + 15 * round / 10);
        }
        run_round(plan, pairs, round, acknowledged);
        if (std::filesystem::exists(kPath)) check_rows(StoreReader(kPath), plan, pairs, acknowledged);
    }
    CHECK(!acknowledged.empty());
    Store store = Store::open_for_update(kPath, plan, pairs);
    for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
        if (!store.row(plan.stages[stage].id)) append_stage(store, plan, pairs, stage);
        acknowledged.insert(static_cast<std::uint32_t>(stage));
    }
    store.close();
    check_rows(StoreReader(kPath), plan, pairs, acknowledged);
}

TEST_CASE("a reader at work while rows are written never fails and never sees a half row") {
    const ItemTable pairs = make_pairs(50);
    const Plan plan = make_plan(3);
    constexpr std::uint32_t kLast = 4000;
    { Store::open_for_update("live/sweep.h5", plan, pairs).close(); }
    const pid_t writer = ::fork();
    REQUIRE(writer >= 0);
    if (writer == 0) {
        Store store = Store::open_for_update("live/sweep.h5", plan, pairs);
        for (std::uint32_t salt = 0; salt <= kLast; ++salt) {  // the same rows again and again, with other contents
            store.append(make_row(plan.stages[1], salt), {});
            store.append(make_row(plan.stages[2], salt), {});
            if (salt % 4 == 0) store.sync();
        }
        ::_exit(0);
    }
    std::uint32_t last[2] = {0, 0};  // of each stage: a reader may come between the two rows of a commit, twice
    std::size_t reads = 0;
    for (bool ended = false; !ended; ++reads) {
        ended = ::waitpid(writer, nullptr, WNOHANG) == writer;
        const StoreReader reader("live/sweep.h5");
        for (const Row& row : reader.rows()) {
            const std::size_t which = row.stage_id == plan.stages[1].id ? 0 : 1;
            const auto salt = static_cast<std::uint32_t>(row.finished_unix_s - 1.7e9);
            REQUIRE(same_row(row, make_row(plan.stages[which + 1], salt)));
            REQUIRE(salt >= last[which]);  // time does not go back
            last[which] = salt;
        }
    }
    CHECK(last[0] == kLast);
    CHECK(last[1] == kLast);
    CHECK(reads > 1);
    CHECK_NOTHROW(Store::open_for_update("live/sweep.h5", plan, pairs));
}
