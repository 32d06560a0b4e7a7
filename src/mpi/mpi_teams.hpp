#pragma once
/// CPU teams over MPI: what the main thread of every rank has one of. A stage's thread gets a Collective from make(), and the
/// main thread calls step() in its loop as long as one lives.
#include <cstdint>
#include <memory>
#include <vector>

#include "collective/team_queue.hpp"
#include "mpi/session.hpp"
#include "mpi/team_transfers.hpp"

namespace fairsweep {

class MpiTeams {
public:
    explicit MpiTeams(const MpiSession& session) : transfers_(session.rank()) {}  ///< Collective over all ranks

    /// This rank's side of a team. `team`: its number, the same on all its members and never used again (the attempt of a lease).
    /// `ranks`: of the run, in the order of the members.
    [[nodiscard]] std::unique_ptr<Collective> make(std::uint64_t team, const std::vector<int>& ranks);
    /// Moves all teams on by a bounded amount of work; true when anything moved.
    bool step();
    [[nodiscard]] bool is_idle() const { return drivers_.empty(); }  ///< no stage has a team
    /// Messages that nobody waits for any more and that cannot end yet. Their memory stays.
    [[nodiscard]] std::size_t left_behind() { return transfers_.sweep(); }

private:
    TeamTransfers transfers_;
    std::vector<std::unique_ptr<TeamDriver>> drivers_;  ///< before the transfers they use are gone
};

}  // namespace fairsweep
