#pragma once
/// Teams over NCCL's double, for tests.
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

#include "collective/nccl.hpp"
#include "support/nccl_double.hpp"

namespace fairsweep {

/// How the unique ids of teams get from rank 0 to the others, as the engine would send them.
class Post {
public:
    [[nodiscard]] UniqueIdExchange exchange_of(std::uint64_t team) {
        return {.hand_out =
                    [this, team](const NcclUniqueId& id) {
                        const std::lock_guard lock(mutex_);
                        ids_[team] = id;
                    },
                .receive = [this, team]() -> std::optional<NcclUniqueId> {
                    const std::lock_guard lock(mutex_);
                    const auto place = ids_.find(team);
                    return place == ids_.end() ? std::nullopt : std::optional(place->second);
                }};
    }

private:
    std::mutex mutex_;
    std::map<std::uint64_t, NcclUniqueId> ids_;
};

/// The workers of a sweep, each with its cache, of which all are in every team.
class Workers {
public:
    explicit Workers(int size) : ranks_(static_cast<std::size_t>(size)) {
        std::iota(ranks_.begin(), ranks_.end(), 0);
        for (int rank = 0; rank < size; ++rank) caches_.push_back(std::make_unique<CommunicatorCache>(context_));
    }
    [[nodiscard]] std::unique_ptr<Collective> make(int rank, std::uint64_t team) {
        return make_nccl(cache(rank), context_, {.ranks = ranks_, .rank = rank}, post_.exchange_of(team));
    }
    [[nodiscard]] CommunicatorCache& cache(int rank) { return *caches_.at(static_cast<std::size_t>(rank)); }
    [[nodiscard]] int size() const { return static_cast<int>(ranks_.size()); }

private:
    const NcclContext context_ = nccl_double::context();
    std::vector<int> ranks_;
    Post post_;
    std::vector<std::unique_ptr<CommunicatorCache>> caches_;
};

}  // namespace fairsweep
