#pragma once
/// The accuracies of a point stand twice in an analysis file: stored by the evaluation that ran in the sweep, and in the
/// scores from which they follow. They must agree before anything is said about them.
#include <cstddef>
#include <span>

#include "store/analysis_file.hpp"

namespace fairsweep {

/// `scores` [pairs] of a done point. Throws a store error naming point, group and both numbers when the counts of pairs, the
/// right decisions or an accuracy that follow from the scores are not those that were stored. Figures that are undefined for
/// these scores are not compared.
void check_stored_figures(const AnalysisInput& input, std::size_t point, std::span<const float> scores);

}  // namespace fairsweep
