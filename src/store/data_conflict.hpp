#pragma once
#include <optional>
#include <string>

#include "fairsweep/plan.hpp"

namespace fairsweep {

struct DataConflict {
    std::string found;
    std::string expected;
};
/// What keeps results of two plans out of one table: a name that stands for data of two contents, or the same pairs over the
/// images of two evaluation sets. Data that are missing contradict nothing.
[[nodiscard]] std::optional<DataConflict> data_conflict(const Plan& held, const Plan& other);

}  // namespace fairsweep
