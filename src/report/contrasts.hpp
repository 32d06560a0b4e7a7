#pragma once
/// Which configurations are compared with which, and by how much they differ.
#include <map>
#include <vector>

#include "report/analysis.hpp"

namespace fairsweep {

/// `networks` by index of the point. Adjusted p values and simultaneous limits are filled in. Gaps are named after the worst
/// group of the dense arm (the sham arm where there is none), chosen on other people than those they are judged on; there
/// are none where a group has too few people for that.
[[nodiscard]] std::vector<Contrast> all_contrasts(const EvaluationSet& set,
                                                  const std::vector<AnalysedConfiguration>& configurations,
                                                  const std::map<std::size_t, ScoredNetwork>& networks);

}  // namespace fairsweep
