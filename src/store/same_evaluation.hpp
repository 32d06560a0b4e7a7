#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "fairsweep/pairs.hpp"
#include "fairsweep/plan.hpp"
#include "store/layout.hpp"

namespace fairsweep {

struct DataConflict {
    std::string found;
    std::string expected;
};
/// What keeps results of two plans out of one table: a name that stands for data of two contents, or the same pairs over the
/// images of two evaluation sets. Data that are missing contradict nothing.
[[nodiscard]] std::optional<DataConflict> data_conflict(const Plan& held, const Plan& other);

/// Throws a store error when the plan is about other groups, another task, other pairs or other data than the store at `path`
/// holds. `pairs`: null when they are those that the store holds.
void check_same_evaluation(const std::filesystem::path& path, const StoreContents& held, const Plan& plan,
                           const PairTable* pairs);

}  // namespace fairsweep
