#pragma once
/// Messages between members that are threads of one process: the double of MPI for slices and queue.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

#include "collective/point_to_point.hpp"
#include "collective/team_queue.hpp"

namespace fairsweep::contract {

/// What the members of all teams share. Safe to use from several threads.
class PostOffice {
public:
    /// Sends are over when they are received, as large messages of MPI; else at once.
    explicit PostOffice(bool sends_wait) : sends_wait_(sends_wait) {}
    [[nodiscard]] std::unique_ptr<PointToPoint> member(int rank, int size);
    /// From now on every transfer with this member fails.
    void lose(int rank);
    [[nodiscard]] std::size_t forgotten() const;

private:
    friend class ThreadMessages;
    using Key = std::tuple<int, int, std::uint64_t, std::uint64_t, std::uint64_t>;  ///< from, to, team, operation, part
    struct Message {
        std::vector<std::byte> bytes;
        std::shared_ptr<bool> is_taken;
    };
    bool sends_wait_;
    mutable std::mutex lock_;
    std::map<Key, std::deque<Message>> messages_;
    std::vector<int> lost_;
    std::size_t forgotten_ = 0;
};

/// Runs `work(rank, team)` on as many threads, while this one moves their messages, as the main thread of every rank does. Returns what
/// each gave.
template <class Work>
auto on_ranks(int size, const Work& work) -> std::vector<decltype(work(0, std::declval<Collective&>()))> {
    static std::uint64_t number = 0;
    PostOffice office(true);
    std::vector<std::unique_ptr<TeamDriver>> drivers;
    std::vector<std::future<decltype(work(0, std::declval<Collective&>()))>> ranks;
    ++number;
    for (int rank = 0; rank < size; ++rank) {
        drivers.push_back(std::make_unique<TeamDriver>(number, office.member(rank, size)));
        ranks.push_back(std::async(std::launch::async, [&work, rank, team = drivers.back()->collective()] { return work(rank, *team); }));
    }
    const auto is_over = [](const auto& rank) { return rank.wait_for(std::chrono::seconds(0)) == std::future_status::ready; };
    while (!std::all_of(ranks.begin(), ranks.end(), is_over))
        for (const auto& driver : drivers) driver->step();
    std::vector<decltype(work(0, std::declval<Collective&>()))> all;
    for (auto& rank : ranks) all.push_back(rank.get());
    return all;
}

}  // namespace fairsweep::contract
