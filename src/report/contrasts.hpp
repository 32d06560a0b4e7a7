#pragma once
/// Which configurations are compared with which, and by how much they differ.
#include <map>
#include <vector>

#include "report/analysis.hpp"

namespace fairsweep {

/// `networks` by index of the point. Adjusted p values are filled in.
[[nodiscard]] std::vector<Contrast> all_contrasts(const EvaluationSet& set,
                                                  const std::vector<AnalysedConfiguration>& configurations,
                                                  const std::map<std::size_t, ScoredNetwork>& networks);

/// The group with the lowest mean accuracy in the dense arm (the sham arm where there is none) of an architecture and
/// training set: gaps are named after it, before any compressed network is looked at.
[[nodiscard]] std::optional<std::size_t> worst_reference_group(const std::vector<AnalysedConfiguration>& configurations,
                                                               const Configuration& of);

}  // namespace fairsweep
