/// What the contract cannot ask for: every fault that NCCL can have, with the reason that it must give.
#include "collective/nccl.hpp"

#include <atomic>
#include <cstring>
#include <thread>

#include "collective/contract_values.hpp"
#include "collective/nccl_teams.hpp"
#include "fairsweep/error.hpp"
#include "support/catch.hpp"

namespace fairsweep {
namespace {

using nccl_double::counts;
using nccl_double::Faults;
using nccl_double::take_breaches;
using Part = std::function<void(Collective&)>;

constexpr double kPatienceS = 60;
constexpr double kLittlePatienceS = 0.05;  // of operations that cannot end

/// Runs a part on every rank's thread, but those in `absent`; what it threw, by rank.
std::vector<std::string> run(Workers& workers, std::uint64_t team, const Part& part, const std::set<int>& absent = {}) {
    std::vector<std::string> reasons(static_cast<std::size_t>(workers.size()));
    std::vector<std::thread> threads;
    for (int rank = 0; rank < workers.size(); ++rank) {
        if (absent.count(rank) != 0) continue;
        threads.emplace_back([&, rank] {
            const auto collective = workers.make(rank, team);
            try {
                part(*collective);
            } catch (const Error& error) {
                reasons[static_cast<std::size_t>(rank)] = error.what();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    return reasons;
}

void finish(Collective& team, Ticket ticket, double limit_s = kPatienceS) {
    wait(team, ticket, limit_s, [] { return true; });
}

/// A sum of 1000 numbers in memory of the device.
void add_up(Collective& team, double limit_s = kPatienceS) {
    const nccl_double::Memory memory(4000);
    std::memset(memory.data(), 0, 4000);
    finish(team, team.all_reduce({memory.data(), 1000, Scalar::f32, true}, Reduction::sum), limit_s);
}

/// Rank 0 waits for ever for the faulty rank 1; both say why, and everything that was made is gone.
std::string reason_of_rank_1(
    const Faults& faults, const Part& part = [](Collective& team) { add_up(team); }) {
    nccl_double::reset(faults);
    std::vector<std::string> reasons;
    {
        Workers workers(2);
        reasons = run(workers, 0, [&](Collective& team) {
            if (team.rank() == 1) return part(team);
            add_up(team, kLittlePatienceS);
            add_up(team, kLittlePatienceS);
        });
    }
    CHECK_THAT(reasons[0], ContainsSubstring("it took longer than"));
    CHECK(take_breaches().empty());
    CHECK(counts().events_alive == 0);
    return reasons[1];
}

void check_nothing_is_left() {
    CHECK(counts().streams_alive == 0);
    CHECK(counts().memories_alive == 0);
}

TEST_CASE("NCCL: a rank that never comes is found by the deadline, and the reason says what was waited for") {
    nccl_double::reset();
    Workers workers(2);
    const Part part = [](Collective& team) { add_up(team, kLittlePatienceS); };
    CHECK_THAT(run(workers, 0, part, {1})[0], ContainsSubstring("it was waiting for all ranks to initialise NCCL"));
    CHECK_THAT(run(workers, 1, part, {0})[1], ContainsSubstring("it was waiting for the unique id of rank 0"));
    CHECK(counts().initialised == 1);
    CHECK(counts().aborted == 1);
    CHECK(take_breaches().empty());
}

TEST_CASE("NCCL: an initialisation that is refused") {
    const std::string why = reason_of_rank_1({.init_refuses = {{.rank = 1, .code = kNcclUnhandledCudaError}}});
    CHECK_THAT(why, ContainsSubstring("ncclCommInitRankConfig"));
    CHECK_THAT(why, ContainsSubstring("rank 1 of 2"));
    CHECK_THAT(why, ContainsSubstring("unhandled cuda error (1): the double refuses"));
    check_nothing_is_left();
}

TEST_CASE("NCCL: an initialisation that fails while it is under way") {
    const std::string why = reason_of_rank_1({.in_progress_polls = 2, .init_fails_later = {{.rank = 1}}});
    CHECK_THAT(why, ContainsSubstring("unhandled system error (2): the double's initialisation fails"));
    check_nothing_is_left();
}

TEST_CASE("NCCL: an asynchronous error after some operations") {
    int sums = 0;
    const std::string why =
        reason_of_rank_1({.fails_later = {{.rank = 1, .code = kNcclRemoteError, .after_groups = 2}}}, [&](Collective& team) {
            for (;; ++sums) add_up(team);
        });
    CHECK(sums == 1);  // a sum is two groups
    CHECK_THAT(why, ContainsSubstring("ncclCommGetAsyncError"));
    CHECK_THAT(why, ContainsSubstring("(6): the double's asynchronous error"));
    check_nothing_is_left();
}

TEST_CASE("NCCL: a group that fails leaves no group open") {
    const std::string why = reason_of_rank_1({.group_end_fails = {{.rank = 1, .code = kNcclInternalError}}});
    CHECK_THAT(why, ContainsSubstring("ncclGroupEnd"));
    CHECK_THAT(why, ContainsSubstring("internal error (3)"));
    check_nothing_is_left();
}

TEST_CASE("NCCL: a device that fails") {
    nccl_double::reset({.device_copy_fails = 719});
    Workers workers(2);
    for (const std::string& why : run(workers, 0, [](Collective& team) { add_up(team); }))
        CHECK_THAT(why, ContainsSubstring("the double's device error (error 719)"));
    CHECK(take_breaches().empty());
}

TEST_CASE("NCCL: an abort that fails is told and survived, and nothing that may still be used is freed") {
    const std::string why = reason_of_rank_1(
        {.fails_later = {{.rank = 1, .after_groups = 0}}, .abort_fails = {{.rank = 1, .code = kNcclSystemError}}});
    CHECK_THAT(why, ContainsSubstring("the double's asynchronous error"));
    CHECK_THAT(why, ContainsSubstring("ncclCommAbort of rank 1 of 2 failed: unhandled system error (2)"));
    CHECK_THAT(why, ContainsSubstring("its memory on the device is kept"));
    CHECK(counts().streams_alive == 1);
    CHECK(counts().memories_alive == 1);
}

TEST_CASE("NCCL: ranks that do different things are told apart by the double") {
    nccl_double::reset();
    Workers workers(2);
    const auto reasons = run(workers, 0, [](Collective& team) {
        team.rank() == 0 ? add_up(team, kLittlePatienceS) : finish(team, team.barrier(), kLittlePatienceS);
    });
    const auto breaches = take_breaches();
    REQUIRE(breaches.size() == 1);
    CHECK_THAT(breaches[0], ContainsSubstring("group 0"));
    CHECK_THAT(reasons[0] + reasons[1], ContainsSubstring("group 0: rank"));
}

TEST_CASE("NCCL: an abort from another thread at any moment") {
    nccl_double::reset({.in_progress_polls = 1});
    Workers workers(2);
    for (std::uint64_t round = 0; round < 100; ++round) {
        const auto reasons = run(workers, round, [round](Collective& team) {
            std::atomic<std::uint64_t> beats = 0;
            std::thread third([&] {
                while (beats < round % 50) std::this_thread::yield();
                team.abort("the coordinator said so");
                team.abort("again");
            });
            std::string why;
            while (why.empty()) {
                const nccl_double::Memory memory(4000);
                const Ticket ticket = team.all_reduce({memory.data(), 1000, Scalar::f32, true}, Reduction::max);
                OperationStatus progress;
                while ((progress = team.poll(ticket)).state == OperationStatus::State::running) ++beats;
                ++beats;
                why = progress.why;
            }
            beats = 50;
            third.join();
            throw_infrastructure({.attempted = why});
        });
        for (const std::string& why : reasons) {
            // Where rank 0 had ended the communicator that it names, the other may say so instead.
            CHECK((why.find("the coordinator said so") != std::string::npos || why.find("has ended here") != std::string::npos));
        }
    }
    CHECK(take_breaches().empty());
    CHECK(counts().events_alive == 0);
}

TEST_CASE("NCCL: sums of 1 to 9 ranks are the tree's, also where ranks get no slice") {
    nccl_double::reset({.in_progress_polls = 1});
    for (int size = 1; size <= 9; ++size) {
        Workers workers(size);
        for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{9}, std::size_t{720}}) {
            std::vector<contract::Bytes> parts;
            for (int rank = 0; rank < size; ++rank) parts.push_back(contract::elements(Scalar::bf16, count, rank));
            const contract::Bytes expected = contract::reduced(Scalar::bf16, Reduction::sum, parts);
            std::vector<std::string> wrong(parts.size());
            const auto reasons = run(workers, count, [&](Collective& team) {
                const auto rank = static_cast<std::size_t>(team.rank());
                finish(team, team.all_reduce({parts[rank].data(), count, Scalar::bf16, false}, Reduction::sum));
                wrong[rank] = contract::difference(Scalar::bf16, parts[rank], expected);
            });
            INFO(size << " ranks, " << count << " elements");
            CHECK(reasons == std::vector<std::string>(parts.size()));
            CHECK(wrong == std::vector<std::string>(parts.size()));
        }
    }
    CHECK(take_breaches().empty());
}

std::atomic<bool*> callers_event = nullptr;

TEST_CASE("NCCL: an operation waits for what its caller's stream has queued") {
    nccl_double::reset();
    NcclContext context = nccl_double::context();
    context.device.event_record_caller = [](void* event) {
        callers_event = static_cast<bool*>(event);  // and the caller's stream never gets there
        return 0;
    };
    CommunicatorCache cache(context);
    Post post;
    const auto team = make_nccl(cache, context, {.ranks = {0}, .rank = 0}, post.exchange_of(0));
    const Ticket ticket = team->barrier();
    for (int polls = 0; polls < 100; ++polls) REQUIRE(team->poll(ticket).state == OperationStatus::State::running);
    *callers_event = true;
    finish(*team, ticket);
}

TEST_CASE("NCCL's double: a communicator that is in progress takes no call, an id serves once, an open group is told") {
    nccl_double::reset({.in_progress_polls = 3});
    const NcclContext context = nccl_double::context();
    const NcclUniqueId id = make_unique_id(context.nccl);
    const nccl_double::Memory memory(16);
    NcclCommunicator communicator(context, 0, 1, id);
    CHECK_THROWS_WITH(communicator.broadcast(memory.data(), 16, 0), ContainsSubstring("the communicator is in progress"));
    CHECK_FALSE(communicator.ready());
    while (!communicator.ready()) continue;
    communicator.broadcast(memory.data(), 16, 0);
    CHECK_THROWS_WITH(communicator.broadcast(memory.data(), 16, 0), ContainsSubstring("the communicator is in progress"));
    CHECK_THROWS_WITH(NcclCommunicator(context, 0, 1, id), ContainsSubstring("used a second time"));
    CHECK(take_breaches().size() == 3);
    CHECK(communicator.stop().empty());
    CHECK_THROWS_WITH(communicator.ready(), ContainsSubstring("it has ended"));
}

}  // namespace
}  // namespace fairsweep
