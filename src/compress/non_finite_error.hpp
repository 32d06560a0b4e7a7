#pragma once
#include <string>

#include "fairsweep/error.hpp"

namespace fairsweep {

/// A NaN or infinite value met by compression: training diverged. The message names the layer.
class NonFiniteError : public Error {
public:
    explicit NonFiniteError(const std::string& layer, const std::string& what);
};

}  // namespace fairsweep
