#include "collective/slices.hpp"

#include "collective/contract.hpp"
#include "collective/team_queue.hpp"
#include "collective/thread_messages.hpp"
#include "fairsweep/error.hpp"
#include "support/catch.hpp"

namespace fairsweep::contract {
namespace {

/// The suite's thread sends the messages of all members, as the main thread of a process does for its one.
class SliceTeams final : public Teams {
public:
    SliceTeams(int size, bool sends_wait) : size_(size), sends_wait_(sends_wait), office_(sends_wait) {}
    std::string name() const override {
        return std::to_string(size_) + " members, sends that " + (sends_wait_ ? "wait" : "end at once");
    }
    int size() const override { return size_; }
    std::unique_ptr<Collective> make(int rank, std::uint64_t number) override {
        drivers_.push_back(std::make_unique<TeamDriver>(number, office_.member(rank, size_)));
        return drivers_.back()->collective();
    }
    void pump() override {
        for (const auto& driver : drivers_) driver->step();
        std::erase_if(drivers_, [](const auto& driver) { return driver->is_left(); });
    }

private:
    int size_;
    bool sends_wait_;
    PostOffice office_;
    std::vector<std::unique_ptr<TeamDriver>> drivers_;
};

Operation sum_of(std::vector<float>& values) {
    return {.kind = Operation::Kind::all_reduce, .buffer = {values.data(), values.size(), Scalar::f32}};
}

/// Steps all members in turn until nothing moves; one thread is enough for a state machine.
void settle(const std::vector<Slices*>& members) {
    for (int idle = 0; idle < 3; ++idle)
        for (Slices* member : members)
            if (member->step()) idle = 0;
}

std::string failure_in(Slices& member) {
    try {
        for (int i = 0; i < 10; ++i) member.step();
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::infrastructure);
        return error.what();
    }
    return "";
}

}  // namespace

std::vector<std::unique_ptr<Teams>> teams_under_test() {
    std::vector<std::unique_ptr<Teams>> all;
    for (const int size : {1, 2, 3, 4}) all.push_back(std::make_unique<SliceTeams>(size, size % 2 == 0));
    return all;
}

TEST_CASE("Slices: members at different operations get an error that names both, and the rank") {
    PostOffice office(false);
    Slices zero(1, office.member(0, 2)), one(1, office.member(1, 2));
    std::vector<float> three(3), four(4);
    zero.begin(sum_of(three));
    one.begin(sum_of(four));
    one.step();
    const std::string why = failure_in(zero);
    CHECK_THAT(why, ContainsSubstring("operation 0"));
    CHECK_THAT(why, ContainsSubstring("rank 1"));
    CHECK_THAT(why, ContainsSubstring("all_reduce sum of 4 f32"));
    CHECK_THAT(why, ContainsSubstring("all_reduce sum of 3 f32"));
}

TEST_CASE("Slices: a failed message ends the team with its reason") {
    PostOffice office(false);
    Slices zero(1, office.member(0, 2));
    zero.begin({.kind = Operation::Kind::barrier});
    zero.step();
    CHECK(zero.waits_for() == "operation 0 waits for rank 1");
    office.lose(1);
    CHECK_THAT(failure_in(zero), ContainsSubstring("rank 1"));
}

TEST_CASE("Slices: the boxes of a team are bounded and used again, however much is under way") {
    PostOffice office(true);
    Slices zero(1, office.member(0, 2)), one(1, office.member(1, 2));
    std::vector<std::vector<float>> values(12, std::vector<float>(2'000'000, 1.5F));  // 48 MB a member, more than the bound
    for (std::size_t i = 0; i < values.size(); i += 2) {
        zero.begin(sum_of(values[i]));
        one.begin(sum_of(values[i + 1]));
    }
    settle({&zero, &one});
    CHECK(zero.take_done().size() == 6);
    CHECK(one.take_done().size() == 6);
    CHECK(values[0].back() == 3.0F);
    CHECK(zero.boxes_made() <= 32);  // of a MiB
}

TEST_CASE("Slices: what is under way at the end is let go of") {
    PostOffice office(true);
    std::vector<float> values(1'000'000);
    {
        Slices zero(1, office.member(0, 3));
        zero.begin(sum_of(values));
        zero.step();
    }
    CHECK(office.forgotten() > 0);
}

}  // namespace fairsweep::contract
