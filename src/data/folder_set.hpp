#pragma once
/// A training set as folders: identity/image.jpg (or .jpeg, .png). Identities and images are numbered in the order of their
/// names (bytes), so that the same tree gives the same numbers everywhere. Folders without images are no identities.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/set_files.hpp"
#include "fairsweep/dataset.hpp"

namespace fairsweep {

struct FolderSet {
    std::filesystem::path path;
    std::vector<std::string> identities;  ///< folder names
    std::vector<std::uint64_t> begin;     ///< [identities + 1]: images of identity i are begin[i] .. begin[i + 1]
    std::vector<std::string> files;       ///< names inside the identity's folder

    [[nodiscard]] std::uint64_t identity_of(std::uint64_t image) const;
    [[nodiscard]] std::string relative_path(std::uint64_t image) const;  ///< "identity/file.jpg"
    [[nodiscard]] LabelledImage get(std::uint64_t image) const;
};

[[nodiscard]] bool has_image_extension(const std::filesystem::path& path);
/// Folders in a folder by name, without hidden ones.
[[nodiscard]] std::vector<std::filesystem::path> folders_in(const std::filesystem::path& folder);
/// Whether a folder in it has an image.
[[nodiscard]] bool is_folder_set(const std::filesystem::path& path);
/// Throws a data error when there is no image below `path`.
[[nodiscard]] FolderSet read_folder_set(const std::filesystem::path& path);
[[nodiscard]] std::unique_ptr<TrainingSet> open_folder_set(const DataSource& source);
[[nodiscard]] SetFiles folder_set_files(const DataSource& source);

}  // namespace fairsweep
