/// The table of formats, and the factories of fairsweep/dataset.hpp that look into it.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "data/folder_set.hpp"
#include "data/formats.hpp"
#include "data/manifest_set.hpp"
#include "data/problems.hpp"
#include "data/recordio_set.hpp"
#include "data/rfw_set.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

/// `data describe` asks from top to bottom: folders of images are the most general.
const DataFormat kFormats[] = {
    {.name = "recordio",
     .layout = "train.rec with train.idx and property",
     .is_present = is_recordio_present,
     .files = recordio_set_files,
     .check = check_some_records,
     .is_set = [](const fs::path& path) { return find_recordio_files(path).has_value(); },
     .describe = describe_recordio,
     .open_training = open_recordio_set,
     .open_verification = nullptr,
     .open_labelled = nullptr,
     .group_names = nullptr,
     .class_names = nullptr},
    {.name = "rfw",
     .layout = "an RFW tree (data/ and txts/)",
     .is_present = [](const DataSource& source) { return find_rfw_root(source.path).has_value(); },
     .files = rfw_set_files,
     .check = nullptr,
     .is_set = is_rfw_root,
     .describe = describe_rfw,
     .open_training = nullptr,
     .open_verification = open_rfw_set,
     .open_labelled = nullptr,
     .group_names = rfw_group_names,
     .class_names = nullptr},
    {.name = "manifest",
     .layout = "manifest.csv",
     .is_present = [](const DataSource& source) { return find_manifest(source.path).has_value(); },
     .files = manifest_set_files,
     .check = nullptr,
     .is_set = is_manifest_set,
     .describe = describe_manifest,
     .open_training = open_manifest_training_set,
     .open_verification = nullptr,
     .open_labelled = open_manifest_set,
     .group_names = manifest_group_names,
     .class_names = manifest_class_names},
    {.name = "folder",
     .layout = "identity/image.jpg",
     .is_present =
         [](const DataSource& source) {
             std::error_code ignored;
             return fs::is_directory(source.path, ignored);
         },
     .files = folder_set_files,
     .check = nullptr,
     .is_set = is_folder_set,
     .describe = describe_folder,
     .open_training = open_folder_set,
     .open_verification = nullptr,
     .open_labelled = nullptr,
     .group_names = nullptr,
     .class_names = nullptr},
};

[[noreturn]] void wrong_format(const DataSource& source, const std::string& attempted, const std::vector<std::string>& able) {
    std::string expected;
    for (const std::string& format : able) expected += (expected.empty() ? "" : " or ") + format;
    const std::string near = nearest_word(source.format, able);
    throw_usage({.attempted = attempted + " " + source.name,
                 .where = "data." + source.name + ".format",
                 .found = source.format,
                 .expected = expected,
                 .hint = near.empty() ? "" : "did you mean " + near + "?"});
}

/// What the format of the source has in a column of the table; a usage error lists the formats that have something there.
template <typename Ability>
Ability ability_of(const DataSource& source, const char* attempted, Ability DataFormat::*ability) {
    std::vector<std::string> able;
    for (const DataFormat& format : kFormats) {
        if (format.*ability == nullptr) continue;
        if (source.format == format.name) return format.*ability;
        able.emplace_back(format.name);
    }
    wrong_format(source, attempted, able);
}

}  // namespace

std::span<const DataFormat> data_formats() { return kFormats; }

const DataFormat& format_of(const DataSource& source) {
    (void)ability_of(source, "cannot look for the data set", &DataFormat::name);
    return *std::ranges::find_if(kFormats, [&](const DataFormat& format) { return source.format == format.name; });
}

std::unique_ptr<TrainingSet> open_training_set(const DataSource& source) {
    return ability_of(source, "cannot open the training set", &DataFormat::open_training)(source);
}

std::unique_ptr<VerificationSet> open_verification_set(const DataSource& source) {
    return ability_of(source, "cannot open the verification set", &DataFormat::open_verification)(source);
}

std::unique_ptr<LabelledSet> open_labelled_set(const DataSource& source) {
    return ability_of(source, "cannot open the set of images with classes", &DataFormat::open_labelled)(source);
}

bool data_set_present(const DataSource& source) { return format_of(source).is_present(source); }

std::vector<std::string> evaluation_group_names(const DataSource& source) {
    return ability_of(source, "cannot list the groups of the evaluation set", &DataFormat::group_names)(source);
}

std::vector<std::string> class_names(const DataSource& source) {
    const DataFormat& format = format_of(source);
    return format.class_names == nullptr ? std::vector<std::string>() : format.class_names(source);
}

}  // namespace fairsweep
