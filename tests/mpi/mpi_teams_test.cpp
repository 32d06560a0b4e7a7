/// The contract over real MPI: every process is a member. Cases run on every rank at once, in the same order.
#include "mpi/mpi_teams.hpp"

#include <csignal>
#include <unistd.h>

#include <atomic>
#include <numeric>
#include <thread>

#include "collective/contract.hpp"
#include "collective/contract_values.hpp"
#include "fairsweep/error.hpp"
#include "mpi_main.hpp"
#include "support/catch.hpp"

namespace fairsweep::contract {
namespace {

MpiTeams& teams() {
    static MpiTeams instance(session());
    return instance;
}

class ProcessTeams final : public Teams {
public:
    std::string name() const override { return std::to_string(size()) + " processes"; }
    int size() const override { return session().size(); }
    std::vector<int> members_here() const override { return {session().rank()}; }
    std::unique_ptr<Collective> make(int, std::uint64_t number) override {
        std::vector<int> ranks(static_cast<std::size_t>(size()));
        std::iota(ranks.begin(), ranks.end(), 0);
        return teams().make(number, ranks);
    }
    void pump() override { teams().step(); }
    void meet() override { barrier(); }
};

/// Runs `part` on a thread of its own while this one, which may call MPI, moves the teams on.
template <class Part>
void beside_steps(const Part& part) {
    std::atomic<bool> is_over = false;
    std::thread stage([&] {
        part();
        is_over = true;
    });
    while (!is_over) {
        teams().step();
        std::this_thread::yield();
    }
    stage.join();
}

Buffer buffer_of(Bytes& bytes) { return {bytes.data(), bytes.size() / 4, Scalar::f32}; }

/// Team numbers of these cases; the suite's own are small.
std::uint64_t own_number() {
    static std::uint64_t number = 1'000'000;
    return ++number;
}

std::string sum_in(Collective& team, std::size_t count, const std::vector<int>& who, double limit_s) {
    std::vector<Bytes> parts;
    for (const int one : who) parts.push_back(elements(Scalar::f32, count, one));
    Bytes own = parts.at(static_cast<std::size_t>(team.rank()));
    try {
        wait(team, team.all_reduce(buffer_of(own), Reduction::sum), limit_s, [] { return true; });
    } catch (const Error& error) {
        return error.what();
    }
    return difference(Scalar::f32, own, reduced(Scalar::f32, Reduction::sum, parts));
}

}  // namespace

std::vector<std::unique_ptr<Teams>> teams_under_test() {
    std::vector<std::unique_ptr<Teams>> all;
    all.push_back(std::make_unique<ProcessTeams>());
    return all;
}

TEST_CASE("MPI teams: some of the ranks are a team, in the order that was asked for") {
    const int size = session().size();
    std::vector<int> ranks;  // the others, from the last
    for (int rank = size - 1; rank > 0; --rank) ranks.push_back(rank);
    const std::uint64_t number = own_number();
    std::string wrong;
    if (session().rank() > 0) {
        auto team = teams().make(number, ranks);
        CHECK(team->size() == size - 1);
        CHECK(team->rank() == size - 1 - session().rank());
        beside_steps([&] { wrong = sum_in(*team, 200'000, ranks, 60); });
    }
    barrier();
    CHECK(wrong == "");
}

TEST_CASE("MPI teams: a message of an older team with the same tag is dropped") {
    if (session().size() < 2) return;
    const std::uint64_t old_number = own_number(), new_number = old_number + (std::uint64_t{1} << 20);  // the same last bits
    std::vector<int> ranks(static_cast<std::size_t>(session().size()));
    std::iota(ranks.begin(), ranks.end(), 0);
    for (const std::size_t count : {std::size_t{20}, std::size_t{300'000}}) {
        if (session().rank() == 0) {  // sends, and is left alone
            auto team = teams().make(old_number + count * 1024, ranks);
            beside_steps([&] { static_cast<void>(sum_in(*team, count, std::vector<int>(ranks.size(), 77), 0.02)); });
        }
        barrier();
        std::string wrong;
        {
            auto team = teams().make(new_number + count * 1024, ranks);
            beside_steps([&] { wrong = sum_in(*team, count, ranks, 60); });
        }
        barrier();
        CHECK(wrong == "");
    }
}

TEST_CASE("MPI teams: a process that hangs is named by the others, who go on without it") {
    const int size = session().size(), rank = session().rank(), hung = size - 1;
    if (size < 2) return;
    std::vector<int> ranks(static_cast<std::size_t>(size)), rest;
    std::iota(ranks.begin(), ranks.end(), 0);
    rest.assign(ranks.begin(), ranks.end() - 1);
    const std::uint64_t number = own_number(), next = own_number(), last = own_number();
    const std::vector<int> process = gather(::getpid());
    std::string why, wrong_next, wrong_last;
    auto team = teams().make(number, ranks);
    beside_steps([&] {  // all are there, and messages flow
        wrong_next = sum_in(*team, 300'000, ranks, 60);
    });
    CHECK(wrong_next == "");
    barrier();
    if (rank == hung) {
        ::kill(::getpid(), SIGSTOP);  // rank 0 wakes it again
    } else {
        beside_steps([&] { why = sum_in(*team, 300'000, ranks, 0.3); });
        team.reset();
        auto smaller = teams().make(next, rest);
        beside_steps([&] { wrong_next = sum_in(*smaller, 300'000, rest, 60); });
        smaller.reset();
        CHECK_THAT(why, ContainsSubstring("rank " + std::to_string(hung)));
        CHECK(wrong_next == "");
        if (rank == 0) ::kill(process.back(), SIGCONT);
    }
    team.reset();
    barrier();
    auto all_again = teams().make(last, ranks);
    beside_steps([&] { wrong_last = sum_in(*all_again, 300'000, ranks, 60); });
    CHECK(wrong_last == "");
    barrier();
}

}  // namespace fairsweep::contract
