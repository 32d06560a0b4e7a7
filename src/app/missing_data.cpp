#include "missing_data.hpp"

#include <algorithm>
#include <system_error>

#include "fairsweep/error.hpp"
#include "job/job.hpp"

namespace fairsweep {
namespace {

std::string whole_path(const std::filesystem::path& path) {
    std::error_code error;
    const auto whole = std::filesystem::absolute(path, error);
    return error ? path.string() : whole.lexically_normal().string();
}

std::string why_missing(const DataSource& source, const std::vector<UnsetVariable>& unset) {
    const auto variable =
        std::find_if(unset.begin(), unset.end(), [&source](const UnsetVariable& item) { return item.data == source.name; });
    std::error_code error;
    const bool is_something = std::filesystem::exists(source.path, error);
    if (variable == unset.end() && is_something)
        return whole_path(source.path) + " is there and is no set of the format " + source.format;
    if (variable == unset.end()) return "nothing at " + whole_path(source.path);
    return "the environment variable " + variable->variable + " is not set (" + variable->where + ")";
}

}  // namespace

std::vector<MissingData> missing_data(const Plan& plan, const std::filesystem::path& job,
                                      const std::vector<std::string>& overrides) {
    std::vector<MissingData> missing;
    const std::vector<UnsetVariable> unset = unset_variables(job, overrides);
    for (const auto& [name, data] : plan.data) {
        if (!data.present) missing.push_back({name, why_missing(data.source, unset)});
    }
    return missing;
}

void refuse_missing_data(const Plan& plan, const std::filesystem::path& job, const std::vector<std::string>& overrides) {
    const std::vector<MissingData> missing = missing_data(plan, job, overrides);
    if (missing.empty()) return;
    std::string found;
    for (const MissingData& item : missing) found += (found.empty() ? "" : "; ") + item.name + ": " + item.why;
    throw_data({.attempted = "cannot run the sweep: data are missing",
                .where = job.string(),
                .found = found,
                .expected = "the data sets that the job names",
                .hint = "paths stand in the job file's [data.*] sections; relative ones begin in the folder you are in, and "
                        "--set data.NAME.path=FOLDER changes one. fairsweep plan works without data"});
}

}  // namespace fairsweep
