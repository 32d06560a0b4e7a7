#pragma once
/// What the analysis says, in sentences. Every number in them stands in a table too.
#include <string>
#include <vector>

#include "report/analysis.hpp"

namespace fairsweep {

[[nodiscard]] std::vector<std::string> make_findings(const AnalysisInput& input, const Analysis& analysis);

}  // namespace fairsweep
