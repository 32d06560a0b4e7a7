/// The factories of fairsweep/dataset.hpp: which reader serves which format.
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "data/folder_set.hpp"
#include "data/recordio_set.hpp"
#include "data/rfw_set.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void wrong_format(const DataSource& source, const char* attempted, const std::vector<std::string>& known) {
    std::string expected;
    for (const std::string& format : known) expected += (expected.empty() ? "" : " or ") + format;
    const std::string near = nearest_word(source.format, known);
    throw_usage({.attempted = std::string(attempted) + " " + source.name,
                 .where = "data." + source.name + ".format",
                 .found = source.format,
                 .expected = expected,
                 .hint = near.empty() ? "" : "did you mean " + near + "?"});
}

}  // namespace

std::unique_ptr<TrainingSet> open_training_set(const DataSource& source) {
    if (source.format == "recordio") return open_recordio_set(source);
    if (source.format == "folder") return open_folder_set(source);
    wrong_format(source, "cannot open the training set", {"recordio", "folder"});
}

std::unique_ptr<VerificationSet> open_verification_set(const DataSource& source) {
    if (source.format == "rfw") return open_rfw_set(source);
    wrong_format(source, "cannot open the verification set", {"rfw"});
}

bool data_set_present(const DataSource& source) {
    std::error_code ignored;
    if (source.format == "recordio") {
        const auto files = find_recordio_files(source.path);
        return files && fs::exists(files->index, ignored);  // im2rec writes no property
    }
    if (source.format == "folder") return fs::is_directory(source.path, ignored);
    if (source.format == "rfw") return find_rfw_root(source.path).has_value();
    wrong_format(source, "cannot look for the data set", {"recordio", "folder", "rfw"});
}

std::vector<std::string> evaluation_group_names(const DataSource& source) {
    if (source.format != "rfw") wrong_format(source, "cannot list the groups of the verification set", {"rfw"});
    if (!source.groups.empty()) return source.groups;
    if (const auto root = find_rfw_root(source.path)) return rfw_groups_in(*root);
    return {"African", "Asian", "Caucasian", "Indian"};
}

}  // namespace fairsweep
