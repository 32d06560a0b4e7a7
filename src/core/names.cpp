/// What the enumerations of the contracts mean.
#include "fairsweep/outcome.hpp"
#include "fairsweep/sweep.hpp"

namespace fairsweep {

bool is_final(StageState state) {
    return state != StageState::waiting && state != StageState::running && state != StageState::preempted;
}

std::string Bits::text() const {
    if (weight == activation) return std::to_string(weight);
    return "w" + std::to_string(weight) + "a" + std::to_string(activation);
}

}  // namespace fairsweep
