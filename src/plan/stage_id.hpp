#pragma once
/// The identity of a stage: SHA-256 of its kind, its canonical parameters and the ids of the stages it needs, in order.
#include <span>
#include <string>

#include "fairsweep/hash.hpp"
#include "fairsweep/plan.hpp"

namespace fairsweep {

[[nodiscard]] Digest stage_id(StageKind kind, const std::string& parameters, std::span<const Digest> needs);

}  // namespace fairsweep
