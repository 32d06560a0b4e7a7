#pragma once
/// A team of one.
#include <memory>

#include "fairsweep/collective.hpp"

namespace fairsweep {

[[nodiscard]] std::unique_ptr<Collective> make_single();

}  // namespace fairsweep
