#include "mpi/mpi_teams.hpp"

namespace fairsweep {

std::unique_ptr<Collective> MpiTeams::make(std::uint64_t team, const std::vector<int>& ranks) {
    drivers_.push_back(std::make_unique<TeamDriver>(team, transfers_.member(ranks)));
    return drivers_.back()->collective();
}

bool MpiTeams::step() {
    bool moved = false;
    for (const auto& driver : drivers_) moved = driver->step() || moved;
    std::erase_if(drivers_, [](const auto& driver) { return driver->is_left(); });
    transfers_.sweep();
    return moved;
}

}  // namespace fairsweep
