#include "collective/communicator_cache.hpp"

#include "collective/nccl_teams.hpp"
#include "fairsweep/error.hpp"
#include "support/catch.hpp"

namespace fairsweep {
namespace {

using nccl_double::counts;
using nccl_double::take_breaches;

/// Two workers in one thread, so that a test decides what happens when.
struct Pair {
    NcclContext context = nccl_double::context();
    CommunicatorCache first{context};
    CommunicatorCache second{context};

    [[nodiscard]] std::pair<std::shared_ptr<NcclCommunicator>, std::shared_ptr<NcclCommunicator>> join(
        const std::vector<int>& ranks) {
        nccl_double::use_device(1);
        const NcclUniqueId id = first.id_for({ranks, 0});
        auto one = first.join({ranks, 0}, id);
        nccl_double::use_device(2);
        auto other = second.join({ranks, 1}, id);
        while (!one->ready() || !other->ready()) continue;
        return {one, other};
    }
};

TEST_CASE("Communicators: the same ranks in the same order get the same one, others a new one") {
    nccl_double::reset();
    Pair pair;
    const NcclCommunicator* first = pair.join({4, 7}).first.get();
    CHECK(counts().initialised == 2);
    CHECK(pair.join({4, 7}).first.get() == first);
    CHECK(counts().initialised == 2);
    static_cast<void>(pair.join({7, 4}));
    static_cast<void>(pair.join({4, 8}));
    CHECK(counts().initialised == 6);
    CHECK(pair.first.size() == 3);
    CHECK(take_breaches().empty());
}

TEST_CASE("Communicators: a dead one is dropped, and its id never used again") {
    nccl_double::reset();
    Pair pair;
    const NcclUniqueId id = pair.join({0, 1}).first->id();
    CHECK(pair.first.drop({{0, 1}, 0}).empty());
    SECTION("by rank 0: the other follows it to a new one") {
        const auto [one, other] = pair.join({0, 1});
        CHECK(one->id() != id);
        CHECK(other->id() == one->id());
        CHECK(counts().aborted == 2);  // also what the other still had
        CHECK(counts().streams_alive == 2);
    }
    SECTION("an id that has ended is refused before NCCL sees it") {
        CHECK_THROWS_WITH(pair.first.join({{0, 1}, 0}, id), ContainsSubstring("rank 0 offers one that has ended here"));
    }
    CHECK(take_breaches().empty());
}

TEST_CASE("Communicators: what another has lost fails once; the next team works") {
    nccl_double::reset();
    Pair pair;
    static_cast<void>(pair.join({0, 1}));
    static_cast<void>(pair.second.drop({{0, 1}, 1}));
    CHECK_THROWS_AS(pair.join({0, 1}), Error);
    static_cast<void>(pair.first.drop({{0, 1}, 0}));
    CHECK_NOTHROW(pair.join({0, 1}));
    CHECK(take_breaches().empty());
}

/// A communicator whose peer never answers.
void leave_hanging(NcclCommunicator& communicator, const nccl_double::Memory& memory) {
    communicator.all_gather(memory.data(), memory.data(), 8);
    REQUIRE(communicator.ready());
}

TEST_CASE("Communicators: all are aborted before any is freed") {
    nccl_double::reset();
    {
        Pair pair;
        const nccl_double::Memory memory(16);
        auto [a, unused_a] = pair.join({0, 1});
        auto [b, unused_b] = pair.join({0, 2});
        leave_hanging(*a, memory);
        leave_hanging(*b, memory);
        SECTION("together") {
            CHECK(pair.first.abort_all().empty());
            CHECK(take_breaches().empty());
        }
        SECTION("the double sees what waits where they are aborted one by one") {
            CHECK(a->stop().empty());
            const auto breaches = take_breaches();
            REQUIRE(breaches.size() == 1);
            CHECK_THAT(breaches[0], ContainsSubstring("waits for another communicator"));
            CHECK(b->stop().empty());
        }
    }
    CHECK(take_breaches().empty());
    CHECK(counts().streams_alive == 0);
    CHECK(counts().memories_alive == 0);
}

TEST_CASE("Communicators: a dead one is not freed while another works") {
    nccl_double::reset();
    Pair pair;
    const nccl_double::Memory memory(16);
    auto [a, a_peer] = pair.join({0, 1});
    auto [b, b_peer] = pair.join({0, 2});
    static_cast<void>(a->stream().scratch(DeviceStream::Scratch::parts, 64));
    CHECK(a->stop().empty());
    a.reset();
    leave_hanging(*b, memory);
    static_cast<void>(pair.first.id_for({{0, 3}, 0}));  // looks for what can be freed
    CHECK(counts().memories_alive == 2);
    CHECK(b->stop().empty());
    b.reset();
    static_cast<void>(pair.first.id_for({{0, 3}, 0}));
    CHECK(counts().memories_alive == 1);
    CHECK(take_breaches().empty());
}

TEST_CASE("Communicators: at the end of a sweep all end in good order") {
    nccl_double::reset({.in_progress_polls = 3});
    Pair pair;
    static_cast<void>(pair.join({0, 1}));
    static_cast<void>(pair.join({0, 2}));
    CHECK_FALSE(pair.first.end_all());
    while (!pair.first.end_all() || !pair.second.end_all()) continue;
    CHECK(counts().ended_in_order == 4);
    CHECK(counts().aborted == 0);
    CHECK(counts().streams_alive == 0);
    CHECK(take_breaches().empty());
}

TEST_CASE("Communicators: aborts that fail are told together") {
    nccl_double::reset({.abort_fails = {{.rank = 0}}});
    Pair pair;
    static_cast<void>(pair.join({0, 1}));
    static_cast<void>(pair.join({0, 2}));
    const std::string failures = pair.first.abort_all();
    CHECK_THAT(failures, ContainsSubstring("; "));
    CHECK_THAT(failures, ContainsSubstring("ncclCommAbort of rank 0 of 2 failed"));
    CHECK(pair.first.abort_all().empty());  // they are dead
}

}  // namespace
}  // namespace fairsweep
