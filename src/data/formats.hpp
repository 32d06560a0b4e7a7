#pragma once
/// The formats of data sets, a row each (data_sets.cpp): a new format is a file with a reader and a row. What a format cannot do
/// is null there, and the functions of fairsweep/dataset.hpp then name those that can.
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/set_files.hpp"
#include "fairsweep/dataset.hpp"

namespace fairsweep {

struct DataDescription;

struct DataFormat {
    const char* name;    ///< as jobs say it
    const char* layout;  ///< what is expected on disk, for errors

    bool (*is_present)(const DataSource& source);
    SetFiles (*files)(const DataSource& source);  ///< all that its readers see; throws a data error where that is incomplete
    void (*check)(const DataSource& source);      ///< of what a hash does not tell; null: the readers tell

    /// `data describe`: whether `path` is such a set, asked in the order of the rows, and what it holds.
    bool (*is_set)(const std::filesystem::path& path);
    void (*describe)(const std::filesystem::path& path, bool all, DataDescription& description);

    std::unique_ptr<TrainingSet> (*open_training)(const DataSource& source);
    std::unique_ptr<VerificationSet> (*open_verification)(const DataSource& source);
    std::unique_ptr<LabelledSet> (*open_labelled)(const DataSource& source);
    std::vector<std::string> (*group_names)(const DataSource& source);  ///< of evaluation sets; never null for these
    std::vector<std::string> (*class_names)(const DataSource& source);  ///< null: classes have no names
};

[[nodiscard]] std::span<const DataFormat> data_formats();
/// Throws a usage error that lists all formats unless source.format is one of them.
[[nodiscard]] const DataFormat& format_of(const DataSource& source);

}  // namespace fairsweep
