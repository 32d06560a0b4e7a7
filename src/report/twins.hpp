#pragma once
/// Sham twins: the same fine-tune with compression off, which a compressed configuration is compared with.
#include <string>
#include <vector>

#include "report/analysis.hpp"

namespace fairsweep {

/// One warning for all compressed configurations that cannot be compared with a sham twin, with their names and why as far as
/// the points tell, and one for those that are compared over fewer seeds than they have.
[[nodiscard]] std::vector<std::string> twin_warnings(const AnalysisInput& input, const std::vector<AnalysedConfiguration>& all);

}  // namespace fairsweep
