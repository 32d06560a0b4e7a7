/// Cases run on every rank at once. Every wait has a deadline, so that a failure on one rank is a failure and no hang.
#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <thread>

#include "fairsweep/error.hpp"
#include "mpi_main.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

SharedBytes bytes_of(const std::vector<int>& numbers) {
    auto bytes = std::make_shared<std::vector<std::byte>>(numbers.size() * sizeof(int));
    std::memcpy(bytes->data(), numbers.data(), bytes->size());
    return bytes;
}

std::vector<int> numbers_of(const std::vector<std::byte>& bytes) {
    std::vector<int> numbers(bytes.size() / sizeof(int));
    std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(int));
    return numbers;
}

/// Polls until `enough` messages are there and all sends have left, or half a minute has passed; then waits for the other
/// ranks, since one that is ahead would send the next case's messages into this one.
std::vector<Incoming> collect(Link& link, std::size_t enough) {
    std::vector<Incoming> all;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while ((all.size() < enough || link.sends_pending() != 0) && std::chrono::steady_clock::now() < deadline) {
        if (auto incoming = link.poll())
            all.push_back(std::move(*incoming));
        else
            std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    barrier();
    return all;
}

}  // namespace

TEST_CASE("Everybody's number reaches everybody, once") {
    const auto link = session().make_link(kMaxBytes);
    const int size = link->size();
    for (int to = 0; to < size; ++to) link->send(to, bytes_of({link->rank()}));
    int sum = 0;
    const auto all = collect(*link, static_cast<std::size_t>(size));
    CHECK(static_cast<int>(all.size()) == size);
    for (const Incoming& incoming : all) {
        CHECK(numbers_of(incoming.bytes) == std::vector<int>{incoming.from});
        sum += incoming.from;
    }
    CHECK(sum == size * (size - 1) / 2);
    CHECK(link->sends_pending() == 0);
}

TEST_CASE("Messages between two ranks keep their order, large among small, and no send blocks") {
    const auto link = session().make_link(kMaxBytes);
    const int size = link->size();
    constexpr int kMessages = 60;
    constexpr int kLarge = 1 << 20;  // ints: 4 MiB, far beyond what any transport takes in at once
    for (int i = 0; i < kMessages; ++i) {
        std::vector<int> numbers(i % 20 == 7 ? kLarge : 1, link->rank());
        numbers[0] = i;
        const SharedBytes message = bytes_of(numbers);
        for (int to = 0; to < size; ++to) link->send(to, message);
    }
    std::map<int, int> next;
    for (const Incoming& incoming : collect(*link, static_cast<std::size_t>(kMessages * size))) {
        const auto numbers = numbers_of(incoming.bytes);
        REQUIRE_FALSE(numbers.empty());
        CHECK(numbers[0] == next[incoming.from]++);
        CHECK((numbers.size() == 1 || (static_cast<int>(numbers.size()) == kLarge && numbers.back() == incoming.from)));
    }
    for (int from = 0; from < size; ++from) CHECK(next[from] == kMessages);
}

TEST_CASE("A wrong rank and too many bytes are errors that name call and rank, and harm nothing") {
    const auto link = session().make_link(1024);
    try {
        link->send(link->size() + 5, bytes_of({1}));
        CHECK(false);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::infrastructure);
        CHECK_THAT(error.what(), ContainsSubstring("MPI_Isend"));
        CHECK_THAT(error.what(), ContainsSubstring("rank " + std::to_string(link->rank())));
    }
    CHECK_THROWS_AS(link->send(0, bytes_of(std::vector<int>(1000))), Error);
    link->send((link->rank() + 1) % link->size(), bytes_of({42}));
    const auto all = collect(*link, 1);
    CHECK(all.size() == 1);
}

TEST_CASE("The launcher is recognised") { CHECK(is_under_launcher()); }
