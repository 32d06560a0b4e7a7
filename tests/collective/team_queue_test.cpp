/// The stage's thread, the one that sends messages, and a third: any of them may end first. Run it with the thread sanitizer too
/// (docs/testing.md says how); whatever is freed too early is found by the address sanitizer.
#include "collective/team_queue.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include "collective/thread_messages.hpp"
#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using contract::PostOffice;

namespace {

constexpr std::size_t kLarge = 700'000;

/// Drives the members of a team from a thread of its own until it is told to stop.
class Driving {
public:
    Driving(PostOffice& office, std::uint64_t team, int size) {
        for (int rank = 0; rank < size; ++rank) drivers_.push_back(std::make_unique<TeamDriver>(team, office.member(rank, size)));
    }
    ~Driving() { stop(); }
    [[nodiscard]] std::unique_ptr<Collective> collective(int rank) {
        return drivers_.at(static_cast<std::size_t>(rank))->collective();
    }
    void start() {
        thread_ = std::thread([this] {
            while (!is_stopping_) {
                for (const auto& driver : drivers_) driver->step();
                std::this_thread::yield();
            }
            drivers_.clear();  // messages are ended where they are sent
        });
    }
    void stop() {
        is_stopping_ = true;
        if (thread_.joinable()) thread_.join();
    }

private:
    std::vector<std::unique_ptr<TeamDriver>> drivers_;
    std::atomic<bool> is_stopping_ = false;
    std::thread thread_;
};

Buffer buffer_of(std::vector<float>& values) { return {values.data(), values.size(), Scalar::f32}; }

/// Begins a sum of ones, looks `polls` times, leaves, and frees its memory at once.
void begin_and_leave(std::unique_ptr<Collective> team, int polls) {
    auto values = std::make_unique<std::vector<float>>(kLarge, 1.0F);
    const Ticket ticket = team->all_reduce(buffer_of(*values), Reduction::sum);
    for (int i = 0; i < polls; ++i) {
        static_cast<void>(team->poll(ticket));
        std::this_thread::yield();
    }
    team.reset();
    values.reset();
}

OperationStatus settle(Collective& team, Ticket ticket) {
    OperationStatus progress = team.poll(ticket);
    while (progress.state == OperationStatus::State::running) {
        std::this_thread::yield();
        progress = team.poll(ticket);
    }
    return progress;
}

}  // namespace

TEST_CASE("Queue: buffers may be freed as soon as the stage has left, at any moment of its operations") {
    PostOffice office(true);
    for (std::uint64_t team = 0; team < 30; ++team) {
        Driving driving(office, team, 2);
        auto zero = driving.collective(0), one = driving.collective(1);
        driving.start();
        std::thread other([&] { begin_and_leave(std::move(one), static_cast<int>(team * 3 % 40)); });
        begin_and_leave(std::move(zero), static_cast<int>(team * 7 % 50));
        other.join();
    }
}

TEST_CASE("Queue: an abort from a third thread ends what is under way with its reason") {
    PostOffice office(false);
    for (std::uint64_t team = 0; team < 20; ++team) {
        Driving driving(office, team, 2);
        const auto zero = driving.collective(0);
        driving.start();
        std::vector<float> values(kLarge, 1.0F);
        std::thread third([&] { zero->abort("stopped from outside"); });
        const Ticket ticket = zero->all_reduce(buffer_of(values), Reduction::sum);  // the other never begins
        const OperationStatus progress = settle(*zero, ticket);
        third.join();
        CHECK(progress.state == OperationStatus::State::failed);
        CHECK_THAT(progress.why, ContainsSubstring("stopped from outside"));
    }
}

TEST_CASE("Queue: steps after the stage has left do nothing, and the driver knows") {
    PostOffice office(true);
    TeamDriver driver(1, office.member(0, 2));
    auto team = driver.collective();
    std::vector<float> values(kLarge, 1.0F);
    static_cast<void>(team->all_reduce(buffer_of(values), Reduction::sum));
    CHECK(driver.step());
    CHECK_FALSE(driver.is_left());
    team.reset();
    CHECK(driver.is_left());
    CHECK(driver.step());  // lets go of what was under way
    CHECK_FALSE(driver.step());
    CHECK(office.forgotten() > 0);
}

TEST_CASE("Queue: a driver that ends first leaves a team that has failed") {
    PostOffice office(false);
    auto driver = std::make_unique<TeamDriver>(1, office.member(0, 2));
    const auto team = driver->collective();
    const Ticket before = team->barrier();
    driver->step();
    driver.reset();
    const OperationStatus progress = team->poll(before);
    CHECK(progress.state == OperationStatus::State::failed);
    CHECK_THAT(progress.why, ContainsSubstring("no more messages"));
    CHECK_THAT(progress.why, ContainsSubstring("rank 1"));
    CHECK(team->poll(team->barrier()).state == OperationStatus::State::failed);
}

TEST_CASE("Queue: an error of messages reaches the stage as a failure") {
    PostOffice office(false);
    TeamDriver driver(1, office.member(0, 2));
    const auto team = driver.collective();
    const Ticket ticket = team->barrier();
    office.lose(1);
    for (int i = 0; i < 3; ++i) driver.step();
    const OperationStatus progress = team->poll(ticket);
    CHECK(progress.state == OperationStatus::State::failed);
    CHECK_THAT(progress.why, ContainsSubstring("rank 1"));
}

TEST_CASE("Queue: a wait that is too long says whom it waited for, and ends the team") {
    PostOffice office(false);
    Driving driving(office, 1, 2);
    const auto team = driving.collective(0);
    driving.start();
    const Ticket ticket = team->barrier();
    try {
        wait(*team, ticket, 0.2, [] { return true; });
        CHECK(false);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::infrastructure);
        CHECK_THAT(error.what(), ContainsSubstring("longer than 0.2 s"));
        CHECK_THAT(error.what(), ContainsSubstring("waits for rank 1"));
    }
    CHECK(team->poll(ticket).state == OperationStatus::State::failed);
}
