#pragma once
/// Where the time of some work goes, by kind of operation, from LibTorch's own hooks around every operator.
#include <functional>
#include <map>
#include <string>

namespace fairsweep {

/// Kind -> share of the time of `work` in [0, 1]; "rest" is what no operator below the top level accounts for.
using OpShares = std::map<std::string, double>;
[[nodiscard]] OpShares op_shares(const std::function<void()>& work);

}  // namespace fairsweep
