#pragma once
/// Communicators are kept by their ranks, in order: making one takes long, and a sweep's stages come back to the same teams.
///
/// All ranks of a team must take the same one. Member 0 decides: it names the unique id of the one that it keeps or of a new one,
/// and the others follow. Where they no longer have what it names, the team fails once, all drop theirs, and the next one works.
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "collective/nccl_communicator.hpp"

namespace fairsweep {

struct NcclTeam {
    std::vector<int> ranks{};  ///< the workers, by their ranks in the sweep; the order is that of the team's ranks
    int rank = 0;              ///< this one's place among them
};

/// Of one process and one device. The owner's thread; only abort_all() may come from another.
class CommunicatorCache {
public:
    /// `context` must outlive it, and it must outlive the collectives that use it.
    explicit CommunicatorCache(const NcclContext& context) : context_(context) {}
    CommunicatorCache(const CommunicatorCache&) = delete;
    CommunicatorCache& operator=(const CommunicatorCache&) = delete;
    ~CommunicatorCache();

    /// Member 0: what to hand to the others.
    [[nodiscard]] NcclUniqueId id_for(const NcclTeam& team);
    /// The communicator of this id, kept or new (then it initialises). Throws an infrastructure error where there can be none.
    [[nodiscard]] std::shared_ptr<NcclCommunicator> join(const NcclTeam& team, const NcclUniqueId& id);

    /// Aborts the team's communicator, if there is one: its next collective gets a new one. Says what went wrong, if anything
    /// did.
    std::string drop(const NcclTeam& team);
    /// Aborts all; says what went wrong. Nothing is freed before every one has been told to stop.
    std::string abort_all();
    /// Ends all in good order, when no collective is left; to be called again until it is true. Throws what NCCL reports.
    [[nodiscard]] bool end_all();
    [[nodiscard]] std::size_t size() const;  ///< how many are kept

private:
    using Kept = std::map<std::vector<int>, std::shared_ptr<NcclCommunicator>>;
    void bury(Kept::iterator entry);
    void free_dead();

    const NcclContext& context_;
    mutable std::mutex mutex_;
    Kept kept_;
    std::vector<std::shared_ptr<NcclCommunicator>> dead_;  ///< not freed yet
    std::set<NcclUniqueId> spent_;                         ///< an id serves one initialisation
};

}  // namespace fairsweep
