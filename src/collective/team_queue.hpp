#pragma once
/// A team between two threads. The stage's thread has the Collective and never sees a message; the thread that may send messages
/// (MPI_THREAD_FUNNELED: the main one) has the driver and calls step() in its loop. Operations go over in a queue, what became of
/// them comes back; either side may end first.
#include <cstdint>
#include <memory>

#include "collective/point_to_point.hpp"
#include "fairsweep/collective.hpp"

namespace fairsweep {

class Slices;
struct TeamState;

class TeamDriver {
public:
    /// `team`: the number of the team, never used again.
    TeamDriver(std::uint64_t team, std::unique_ptr<PointToPoint> messages);
    ~TeamDriver();  ///< what is not done fails
    TeamDriver(const TeamDriver&) = delete;
    TeamDriver& operator=(const TeamDriver&) = delete;

    /// The stage's side; asked for once. Its destruction waits for a step() that is under way, and for no other member.
    [[nodiscard]] std::unique_ptr<Collective> collective();
    /// Moves things on by a bounded amount of work; true when anything moved. Failures go to the stage's side.
    bool step();
    [[nodiscard]] bool is_left() const;  ///< the stage's side is gone: step() has nothing to do any more

private:
    std::shared_ptr<TeamState> state_;
    std::unique_ptr<Slices> slices_;  ///< none after the team's end
    bool has_told_ = false;           ///< whom it waits for, since something moved last
};

}  // namespace fairsweep
