#pragma once
/// Images that a table names: manifest.csv with the columns `path` (below its folder), `class`, and optionally `group` and
/// `person`; every further column is another grouping of the same images. Found by name, in any order and letters' case; commas,
/// semicolons or TABs between the fields, as in the first line.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/set_files.hpp"
#include "fairsweep/dataset.hpp"

namespace fairsweep {

inline constexpr std::size_t kMaxClasses = 256;  ///< a label is a byte
/// A column with more values than this is no grouping: a measurement, or a number of the image.
inline constexpr std::size_t kMaxGroupsOfColumn = 4096;
/// Up to this many images are looked for when a set is opened; of larger ones a missing image is found when it is read.
inline constexpr std::size_t kMaxImagesLookedFor = 100'000;

struct Manifest {
    std::filesystem::path file;
    std::vector<std::string> classes;  ///< of all lines, sorted by their bytes
    ItemTable items;                   ///< sorted by group, else in file order; label: place of the class; identity_a: person
    std::vector<std::string> images;   ///< [items] below the folder of `file`, normalised: no "." or ".." in them
    std::vector<std::uint64_t> lines;  ///< [items] of the file

    [[nodiscard]] std::filesystem::path image_path(std::uint64_t item) const { return file.parent_path() / images[item]; }
    /// The image with its class. Throws a data error: the line that names it where there is no such file.
    [[nodiscard]] LabelledImage get(std::uint64_t item) const;
    void refuse_unless_there(std::uint64_t item) const;  ///< throws that error, and reads nothing
};

/// `path` itself when it is a file, or the manifest.csv in it.
[[nodiscard]] std::optional<std::filesystem::path> find_manifest(const std::filesystem::path& path);
/// A folder with a manifest.csv, or a .csv or .tsv file.
[[nodiscard]] bool is_manifest_set(const std::filesystem::path& path);

/// `file` names the text in errors. With `groups`, only their items are taken, in the order of `groups`. Without a column `group`
/// all images are in one, "all"; groups are in the order of their first line, those of a further column too. People are numbered
/// by name over all groups; who has no name (no column, or a cell that is empty, nan, NA, None or null) is nobody else. Throws a
/// data error naming file and line: a missing column, an empty cell, a path twice or one that leaves the folder, too many
/// classes, values of a column that are no groups, no image at all, a group that is wanted and not there. Images are not looked
/// for.
[[nodiscard]] Manifest parse_manifest(std::string_view text, const std::filesystem::path& file,
                                      const std::vector<std::string>& groups = {});
[[nodiscard]] Manifest read_manifest(const DataSource& source);

[[nodiscard]] std::unique_ptr<LabelledSet> open_manifest_set(const DataSource& source);
[[nodiscard]] std::unique_ptr<TrainingSet> open_manifest_training_set(const DataSource& source);
[[nodiscard]] SetFiles manifest_set_files(const DataSource& source);
/// Those that the source names, else those of the file; while that is missing the one of a file without the column.
[[nodiscard]] std::vector<std::string> manifest_group_names(const DataSource& source);
[[nodiscard]] std::vector<std::string> manifest_class_names(const DataSource& source);  ///< none while the file is missing

}  // namespace fairsweep
