#include "collective/contract.hpp"

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "collective/contract_values.hpp"
#include "fairsweep/error.hpp"
#include "support/catch.hpp"

namespace fairsweep::contract {
namespace {

constexpr double kPatienceS = 60;         // of operations that end
constexpr double kLittlePatienceS = 0.3;  // of operations that cannot end

class HostMemory final : public Memory {
public:
    explicit HostMemory(std::size_t bytes) : bytes_(bytes) {}
    void* data() override { return bytes_.data(); }
    void write(const Bytes& bytes) override { bytes_ = bytes; }
    Bytes read() const override { return bytes_; }

private:
    Bytes bytes_;
};

void pause(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

Buffer buffer_of(Memory& memory, std::size_t count, Scalar type) { return {memory.data(), count, type, memory.on_device()}; }

/// Every case, on every team that the program has.
template <class Case>
void on_all_teams(const Case& test_case) {
    for (const auto& teams : teams_under_test()) {
        INFO(teams->name());
        test_case(*teams);
    }
}

std::vector<Bytes> parts_of(Scalar type, std::size_t count, int members) {
    std::vector<Bytes> parts;
    for (int member = 0; member < members; ++member) parts.push_back(elements(type, count, member));
    return parts;
}

/// Counts around the sizes at which implementations change their ways.
std::vector<std::size_t> counts_of(Scalar type) {
    const std::size_t border = 65536 / bytes_of(type);
    return {0, 1, 3, 1001, border - 1, border, border + 1};
}

void check_equal_everywhere(Member& member, const Bytes& bytes) {
    const auto size = static_cast<std::size_t>(member.size());
    const std::uint64_t hash = hash_of(bytes);
    Bytes own(8);
    std::memcpy(own.data(), &hash, 8);
    const auto part = member.memory(own), all = member.memory(Bytes(8 * size));
    member.finish(member.team().all_gather(buffer_of(*part, 1, Scalar::i64), buffer_of(*all, size, Scalar::i64)));
    const Bytes gathered = all->read();
    for (std::size_t other = 0; other < size; ++other)
        member.expect(std::memcmp(gathered.data() + 8 * other, own.data(), 8) == 0,
                      "the same bits as rank " + std::to_string(other));
}

void check_reduction(Teams& teams, Scalar type, Reduction reduction, const std::vector<Bytes>& parts) {
    const std::size_t count = parts[0].size() / bytes_of(type);
    const Bytes expected = reduced(type, reduction, parts);
    run(teams, [&](Member& member) {
        const auto memory = member.memory(parts[static_cast<std::size_t>(member.rank())]);
        member.finish(member.team().all_reduce(buffer_of(*memory, count, type), reduction));
        const std::string wrong = difference(type, memory->read(), expected);
        member.expect(wrong.empty(), std::string(name_of(reduction)) + " of " + std::to_string(count) + ": " + wrong);
        check_equal_everywhere(member, memory->read());
    });
}

void check_reduction(Teams& teams, Scalar type, Reduction reduction, std::size_t count) {
    check_reduction(teams, type, reduction, parts_of(type, count, teams.size()));
}

}  // namespace

std::vector<int> Teams::members_here() const {
    std::vector<int> all;
    for (int rank = 0; rank < size(); ++rank) all.push_back(rank);
    return all;
}

std::unique_ptr<Memory> Teams::memory(std::size_t bytes) { return std::make_unique<HostMemory>(bytes); }

Member::Member(Teams& teams, int rank, std::unique_ptr<Collective> team)
    : teams_(teams), rank_(rank), size_(teams.size()), team_(std::move(team)) {}

void Member::expect(bool holds, const std::string& what) {
    if (!holds) failures_.push_back("rank " + std::to_string(rank_) + ": " + what);
}

void Member::finish(Ticket ticket) {
    wait(*team_, ticket, kPatienceS, [] { return true; });
}

std::string Member::failure_of(Ticket ticket, double limit_s) {
    try {
        wait(*team_, ticket, limit_s, [] { return true; });
    } catch (const Error& error) {
        expect(error.kind() == ErrorKind::infrastructure, "a failure is an infrastructure error");
        return error.what();
    }
    expect(false, "the operation cannot end, and has");
    return "";
}

std::unique_ptr<Memory> Member::memory(const Bytes& content) {
    auto memory = teams_.memory(content.size());
    memory->write(content);
    return memory;
}

void run(Teams& teams, const std::function<void(Member&)>& part) {
    static std::uint64_t number = 0;
    ++number;
    std::vector<std::unique_ptr<Member>> members;
    for (const int rank : teams.members_here())
        members.push_back(std::make_unique<Member>(teams, rank, teams.make(rank, number)));
    std::atomic<std::size_t> under_way = members.size();
    std::vector<std::thread> threads;
    for (const auto& member : members) {
        threads.emplace_back([&part, &under_way, &m = *member] {
            try {
                part(m);
            } catch (const std::exception& error) {
                m.expect(false, error.what());
            }
            m.leave();
            --under_way;
        });
    }
    while (under_way != 0) {
        teams.pump();
        std::this_thread::yield();
    }
    for (std::thread& thread : threads) thread.join();
    teams.meet();
    for (const auto& member : members) {
        for (const std::string& failure : member->failures()) FAIL_CHECK(failure);
        CHECK(member->failures().empty());
    }
}

TEST_CASE("Collective: members know their rank and the size of the team") {
    on_all_teams([](Teams& teams) {
        run(teams, [](Member& member) {
            member.expect(member.team().rank() == member.rank(), "its rank");
            member.expect(member.team().size() == member.size(), "the size");
        });
    });
}

TEST_CASE("Collective: sum, min and max of every type are the tree's, at counts around every border") {
    on_all_teams([](Teams& teams) {
        for (const Scalar type : all_of<Scalar>()) {
            for (const std::size_t count : counts_of(type)) {
                const std::vector<Bytes> parts = parts_of(type, count, teams.size());
                for (const Reduction reduction : all_of<Reduction>()) check_reduction(teams, type, reduction, parts);
            }
        }
    });
}

TEST_CASE("Collective: large buffers are reduced whole") {
    on_all_teams([](Teams& teams) {
        check_reduction(teams, Scalar::f32, Reduction::sum, (std::size_t{3} << 19) + 1);
        check_reduction(teams, Scalar::bf16, Reduction::sum, (std::size_t{1} << 20) + 7);
        check_reduction(teams, Scalar::f64, Reduction::max, (std::size_t{1} << 18) + 3);
    });
}

TEST_CASE("Collective: teams of 1, 2 and 4 sum 4 shards to the same bits") {
    constexpr std::size_t kCount = 40001;
    on_all_teams([](Teams& teams) {
        if (teams.size() != 1 && teams.size() != 2 && teams.size() != 4) return;
        const std::vector<Bytes> shards = parts_of(Scalar::f32, kCount, 4);
        const Bytes expected = reduced(Scalar::f32, Reduction::sum, shards);
        run(teams, [&](Member& member) {
            const auto per_rank = static_cast<std::ptrdiff_t>(4 / member.size());
            const auto first = shards.begin() + member.rank() * per_rank;
            const auto memory = member.memory(reduced(Scalar::f32, Reduction::sum, {first, first + per_rank}));
            member.finish(member.team().all_reduce(buffer_of(*memory, kCount, Scalar::f32), Reduction::sum));
            member.expect(difference(Scalar::f32, memory->read(), expected).empty(), "the sum of 4 shards");
        });
    });
}

TEST_CASE("Collective: all_gather has the parts in the order of ranks, also from their own place") {
    on_all_teams([](Teams& teams) {
        const auto size = static_cast<std::size_t>(teams.size());
        for (const std::size_t count :
             {std::size_t{0}, std::size_t{1}, std::size_t{16383}, std::size_t{16385}, std::size_t{700001}}) {
            for (const bool in_place : {false, true}) {
                Bytes expected;
                for (const Bytes& part : parts_of(Scalar::f32, count, teams.size()))
                    expected.insert(expected.end(), part.begin(), part.end());
                run(teams, [&](Member& member) {
                    const Bytes own = elements(Scalar::f32, count, member.rank());
                    const std::size_t place = own.size() * static_cast<std::size_t>(member.rank());
                    Bytes before(own.size() * size);
                    if (in_place) std::copy(own.begin(), own.end(), before.begin() + static_cast<std::ptrdiff_t>(place));
                    const auto all = member.memory(before), part = member.memory(own);
                    Buffer from = buffer_of(*part, count, Scalar::f32);
                    if (in_place && count != 0) from.data = static_cast<std::byte*>(all->data()) + place;
                    member.finish(member.team().all_gather(from, buffer_of(*all, count * size, Scalar::f32)));
                    member.expect(all->read() == expected, "all parts of " + std::to_string(count));
                    member.expect(part->read() == own, "the part is as it was");
                });
            }
        }
    });
}

TEST_CASE("Collective: broadcast gives every rank what the root has") {
    on_all_teams([](Teams& teams) {
        for (int root = 0; root < teams.size(); ++root) {
            for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{65537}, std::size_t{1500001}}) {
                const Bytes expected = elements(Scalar::bf16, count, root);
                run(teams, [&](Member& member) {
                    const auto memory = member.memory(elements(Scalar::bf16, count, member.rank()));
                    member.finish(member.team().broadcast(buffer_of(*memory, count, Scalar::bf16), root));
                    member.expect(memory->read() == expected, "the root's elements");
                });
            }
        }
    });
}

TEST_CASE("Collective: many operations are under way at once, and are polled in any order and again") {
    constexpr std::size_t kOperations = 40;
    on_all_teams([](Teams& teams) {
        run(teams, [](Member& member) {
            const int size = member.size();
            std::vector<std::unique_ptr<Memory>> memories;
            std::vector<Bytes> expected;
            std::vector<Ticket> tickets;
            for (std::size_t i = 0; i < kOperations; ++i) {
                const std::size_t count = i % 10 == 3 ? 300001 : i * 37;  // large among small
                const std::vector<Bytes> parts = parts_of(Scalar::f32, count, size);
                memories.push_back(member.memory(parts[static_cast<std::size_t>(member.rank())]));
                const Buffer buffer = buffer_of(*memories.back(), count, Scalar::f32);
                const bool is_sum = i % 2 == 0;
                expected.push_back(is_sum ? reduced(Scalar::f32, Reduction::sum, parts)
                                          : parts[i % static_cast<std::size_t>(size)]);
                tickets.push_back(is_sum ? member.team().all_reduce(buffer, Reduction::sum)
                                         : member.team().broadcast(buffer, static_cast<int>(i) % size));
            }
            tickets.push_back(member.team().barrier());
            for (std::size_t i = tickets.size(); i-- > 0;) member.finish(tickets[i]);
            for (const Ticket ticket : tickets)
                member.expect(member.team().poll(ticket).state == OperationStatus::State::done, "done again");
            for (std::size_t i = 0; i < kOperations; ++i)
                member.expect(difference(Scalar::f32, memories[i]->read(), expected[i]).empty(),
                              "operation " + std::to_string(i));
            for (std::size_t i = 0; i < tickets.size(); ++i) member.expect(tickets[i].number == i, "tickets count from 0");
        });
    });
}

TEST_CASE("Collective: members may arrive at different times") {
    on_all_teams([](Teams& teams) {
        const std::vector<Bytes> parts = parts_of(Scalar::f64, 50000, teams.size());
        const Bytes expected = reduced(Scalar::f64, Reduction::sum, parts);
        run(teams, [&](Member& member) {
            for (int round = 0; round < 3; ++round) {
                pause(0.003 * ((member.rank() + round) % member.size()));
                const auto memory = member.memory(parts[static_cast<std::size_t>(member.rank())]);
                member.finish(member.team().all_reduce(buffer_of(*memory, 50000, Scalar::f64), Reduction::sum));
                member.expect(difference(Scalar::f64, memory->read(), expected).empty(), "round " + std::to_string(round));
                member.finish(member.team().barrier());
            }
        });
    });
}

TEST_CASE("Collective: the others end with the name of a member that leaves or never comes") {
    on_all_teams([](Teams& teams) {
        if (teams.size() == 1) return;
        for (const bool leaves : {true, false}) {
            for (const std::size_t count : {std::size_t{10}, std::size_t{400000}}) {
                run(teams, [&](Member& member) {
                    if (member.is_last()) {
                        if (leaves) member.leave();
                        return pause(1.2 * kLittlePatienceS);
                    }
                    const auto memory = member.memory(elements(Scalar::f32, count, member.rank()));
                    const Ticket ticket = member.team().all_reduce(buffer_of(*memory, count, Scalar::f32), Reduction::sum);
                    const std::string why = member.failure_of(ticket, kLittlePatienceS);
                    const std::string missing = "rank " + std::to_string(member.size() - 1);
                    if (teams.names_ranks())
                        member.expect(why.find(missing) != std::string::npos, "names " + missing + ": " + why);
                    member.expect(member.team().poll(ticket).state == OperationStatus::State::failed, "failed, and stays so");
                    const Ticket later = member.team().barrier();
                    member.expect(member.team().poll(later).state == OperationStatus::State::failed, "nothing follows a failure");
                    member.leave();  // before the memory of what was aborted
                });
            }
        }
    });
}

TEST_CASE("Collective: the first reason of an abort stays, what was done stays done") {
    on_all_teams([](Teams& teams) {
        run(teams, [](Member& member) {
            const Ticket first = member.team().barrier();
            member.finish(first);
            std::thread third([&] {
                member.team().abort("the coordinator said so");
                member.team().abort("a second reason");
            });
            const auto memory = member.memory(elements(Scalar::f32, 100000, member.rank()));
            const Ticket open = member.team().all_reduce(buffer_of(*memory, 100000, Scalar::f32), Reduction::sum);
            static_cast<void>(member.team().poll(open));
            third.join();
            member.expect(member.team().poll(first).state == OperationStatus::State::done, "done before the abort");
            const OperationStatus after = member.team().poll(member.team().barrier());
            member.expect(after.state == OperationStatus::State::failed, "nothing begins after the abort");
            member.expect(after.why.find("the coordinator said so") != std::string::npos, "the first reason: " + after.why);
            member.expect(after.why.find("a second reason") == std::string::npos, "not the second: " + after.why);
            member.leave();  // before the memory of what was aborted
        });
    });
}

TEST_CASE("Collective: a stop that is asked for ends the wait and the team") {
    on_all_teams([](Teams& teams) {
        if (teams.size() == 1) return;  // nothing to wait for
        run(teams, [](Member& member) {
            if (member.is_last()) return;  // so that the barrier cannot end
            int beats = 0;
            std::string why;
            const Ticket ticket = member.team().barrier();
            try {
                wait(member.team(), ticket, kPatienceS, [&] { return ++beats < 3; });
            } catch (const Error& error) {
                why = error.what();
            }
            member.expect(why.find("asked to stop") != std::string::npos, "says that it was to stop: " + why);
            member.expect(member.team().poll(ticket).state == OperationStatus::State::failed, "the team has ended");
        });
    });
}

TEST_CASE("Collective: a new team of the same ranks gets nothing of an aborted one") {
    on_all_teams([](Teams& teams) {
        for (int attempt = 0; attempt < 4; ++attempt) {
            run(teams, [&](Member& member) {
                const auto memory = member.memory(elements(Scalar::f32, 600000, 50 + member.rank()));
                const auto small = member.memory(elements(Scalar::f32, 100, 50 + member.rank()));
                static_cast<void>(member.team().all_reduce(buffer_of(*memory, 600000, Scalar::f32), Reduction::sum));
                static_cast<void>(member.team().all_reduce(buffer_of(*small, 100, Scalar::f32), Reduction::sum));
                const Ticket last = member.team().barrier();
                for (int polls = 0; polls < (member.rank() + attempt) % 4; ++polls) static_cast<void>(member.team().poll(last));
                member.team().abort("given up half-way");
                member.leave();  // before the memory
            });
            check_reduction(teams, Scalar::f32, Reduction::sum, 600000);
            check_reduction(teams, Scalar::f32, Reduction::sum, 100);
        }
    });
}

}  // namespace fairsweep::contract
