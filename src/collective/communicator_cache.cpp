#include "collective/communicator_cache.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

/// The cache's own share is one; a collective's is the other.
bool is_in_use(const std::shared_ptr<NcclCommunicator>& communicator) { return communicator.use_count() > 1; }

}  // namespace

CommunicatorCache::~CommunicatorCache() { static_cast<void>(abort_all()); }

std::size_t CommunicatorCache::size() const {
    const std::lock_guard lock(mutex_);
    return kept_.size();
}

void CommunicatorCache::bury(Kept::iterator entry) {
    dead_.push_back(std::move(entry->second));
    kept_.erase(entry);
}

/// Freeing device memory may wait for all that runs on the device, and that may wait for a rank that is gone. So nothing is
/// freed while a collective is there whose operations may be under way.
void CommunicatorCache::free_dead() {
    for (auto entry = kept_.begin(); entry != kept_.end();) {
        const auto next = std::next(entry);
        if (entry->second->is_dead()) bury(entry);
        entry = next;
    }
    if (std::any_of(kept_.begin(), kept_.end(), [](const auto& entry) { return is_in_use(entry.second); })) return;
    std::erase_if(dead_, [](const auto& communicator) { return !is_in_use(communicator); });
}

NcclUniqueId CommunicatorCache::id_for(const NcclTeam& team) {
    const std::lock_guard lock(mutex_);
    free_dead();
    const auto entry = kept_.find(team.ranks);
    return entry != kept_.end() ? entry->second->id() : make_unique_id(context_.nccl);
}

std::shared_ptr<NcclCommunicator> CommunicatorCache::join(const NcclTeam& team, const NcclUniqueId& id) {
    const std::lock_guard lock(mutex_);
    free_dead();
    if (const auto entry = kept_.find(team.ranks); entry != kept_.end()) {
        FAIRSWEEP_CHECK(!is_in_use(entry->second), "one collective of a team at a time");
        if (entry->second->id() == id) return entry->second;
        entry->second->stop();  // rank 0 has lost what this one still keeps
        free_dead();
    }
    if (!spent_.insert(id).second) {
        throw_infrastructure({.attempted = fmt::format("take part in the communicator of ranks {}", fmt::join(team.ranks, ", ")),
                              .where = fmt::format("rank {} of {}", team.rank, team.ranks.size()),
                              .found = "rank 0 offers one that has ended here",
                              .hint = "all ranks of this team end it; the next one is new"});
    }
    auto communicator = std::make_shared<NcclCommunicator>(context_, team.rank, static_cast<int>(team.ranks.size()), id);
    kept_.emplace(team.ranks, communicator);
    return communicator;
}

std::string CommunicatorCache::drop(const NcclTeam& team) {
    const std::lock_guard lock(mutex_);
    const auto entry = kept_.find(team.ranks);
    return entry != kept_.end() ? entry->second->stop() : "";
}

std::string CommunicatorCache::abort_all() {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<NcclCommunicator>> all;
    for (const auto& [ranks, communicator] : kept_) all.push_back(communicator);
    return NcclCommunicator::abort_all(all);
}

bool CommunicatorCache::end_all() {
    const std::lock_guard lock(mutex_);
    bool all_ended = true;
    for (const auto& [ranks, communicator] : kept_) {
        FAIRSWEEP_CHECK(!is_in_use(communicator), "no collective is left");
        all_ended = communicator->end() && all_ended;
    }
    if (all_ended) free_dead();
    return all_ended;
}

}  // namespace fairsweep
