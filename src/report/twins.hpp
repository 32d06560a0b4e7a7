#pragma once
/// Sham twins: the same fine-tune with compression off, which a compressed configuration is compared with.
#include <optional>
#include <string>
#include <vector>

#include "report/analysis.hpp"

namespace fairsweep {

/// Whether a configuration of a reference arm has the axes of the twin of another: the same value of every axis, or no part in
/// it. Bits and sparsity are what the arms differ in.
[[nodiscard]] bool stands_for(const AxisValues& reference, const AxisValues& treated);

/// Position of the twin among `all`; of a sham configuration, its own.
[[nodiscard]] std::optional<std::size_t> sham_twin(const std::vector<AnalysedConfiguration>& all, const Configuration& of);

/// One warning for all compressed configurations that cannot be compared with a sham twin, with their names and why as far as
/// the points tell, and one for those that are compared over fewer seeds than they have.
[[nodiscard]] std::vector<std::string> twin_warnings(const AnalysisInput& input, const std::vector<AnalysedConfiguration>& all);

}  // namespace fairsweep
