#pragma once
/// How every figure of an analysis is defined, in words: by name, as the tables and the page show them.
#include <map>
#include <string>

#include "report/summary.hpp"

namespace fairsweep {

[[nodiscard]] std::map<std::string, std::string> make_conventions(const EvaluationSet& set);

}  // namespace fairsweep
