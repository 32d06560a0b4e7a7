/// What the enumerations of the contracts mean.
#include "fairsweep/outcome.hpp"
#include "fairsweep/sweep.hpp"

namespace fairsweep {

bool is_final(StageState state) {
    return state != StageState::waiting && state != StageState::running && state != StageState::preempted;
}

}  // namespace fairsweep
