#pragma once
/// The point table of an analysis file as columns; the one place that knows their names, for writing and for reading.
#include "store/analysis_file.hpp"
#include "store/h5.hpp"

namespace fairsweep {

/// /points, /figures, /groups, /pairs, /provenance: everything but the scores.
void put_analysis_input(h5::Writer& file, const AnalysisInput& input);
/// Of a file whose format and version were checked (open_analysis). Checks that all columns fit together.
[[nodiscard]] AnalysisInput get_analysis_input(const h5::Reader& file);

}  // namespace fairsweep
