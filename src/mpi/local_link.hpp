#pragma once
/// Ranks inside one process: `run --workers 0`, and tests.
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "mpi/link.hpp"

namespace fairsweep {

/// The post office that the links of one group share. Safe to use from several threads.
class LocalPost {
public:
    explicit LocalPost(int ranks) : boxes_(static_cast<std::size_t>(ranks)) {}
    /// The link of one rank; the post must outlive it.
    [[nodiscard]] std::unique_ptr<Link> link(int rank);
    /// From now on this rank hears nothing and says nothing, as if it had died.
    void cut(int rank);

private:
    friend class LocalLink;
    struct Box {
        std::deque<Incoming> messages;
        bool cut = false;
    };
    std::mutex mutex_;
    std::vector<Box> boxes_;
};

}  // namespace fairsweep
