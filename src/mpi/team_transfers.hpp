#pragma once
/// The messages of teams over MPI. One for a process, made once at start by all ranks: it has a communicator of its own, so that
/// nothing here meets the messages between coordinator and workers. Main thread only; nothing blocks but its making.
///
/// A tag has 23 bits: the team's number, the operation and the part, each by its last bits. All of a team that is under way has
/// different tags, so that MPI keeps apart what belongs apart. A message of an older team can have the tag of a new one only when
/// it lay unreceived for as many teams as the tag can tell apart; the envelope in front says so, it is dropped, and the receive
/// begins again.
#include <memory>
#include <vector>

#include "collective/point_to_point.hpp"

namespace fairsweep {

class TeamTransfers {
public:
    explicit TeamTransfers(int rank);  ///< Collective over all ranks
    ~TeamTransfers();
    TeamTransfers(const TeamTransfers&) = delete;
    TeamTransfers& operator=(const TeamTransfers&) = delete;

    /// A member's way to the others of its team. `ranks`: of the run, in the order of the members; this one is among them.
    /// All members must be gone before this is.
    [[nodiscard]] std::unique_ptr<PointToPoint> member(const std::vector<int>& ranks);
    /// Lets go of forgotten transfers that are over by now; how many are not.
    std::size_t sweep();

    struct Requests;

private:
    std::unique_ptr<Requests> requests_;
};

}  // namespace fairsweep
