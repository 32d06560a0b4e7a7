#pragma once
/// Messages between members that are threads of one process: the double of MPI for slices and queue.
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

#include "collective/point_to_point.hpp"

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

}  // namespace fairsweep::contract
