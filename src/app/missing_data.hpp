#pragma once
/// Why data sets of a job are missing, in words.
#include <filesystem>
#include <string>
#include <vector>

#include "fairsweep/plan.hpp"

namespace fairsweep {

struct MissingData {
    std::string name;  ///< of the data set
    std::string why;   ///< "nothing at /work/demo/data/train" or "DATA is not set (jobs/demo.cfg, line 12, key ...)"
};

/// Every data set of `plan` that is not there; `job` and `overrides` are what the plan was made of. Paths are absolute, since
/// a relative one says nothing to somebody in another folder.
[[nodiscard]] std::vector<MissingData> missing_data(const Plan& plan, const std::filesystem::path& job,
                                                    const std::vector<std::string>& overrides);

/// Throws one data error that names them all; does nothing when all are there.
void refuse_missing_data(const Plan& plan, const std::filesystem::path& job, const std::vector<std::string>& overrides);

}  // namespace fairsweep
