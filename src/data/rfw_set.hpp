#pragma once
/// A verification set in RFW's tree:
///   data/<Group>/<id>/<id>_0001.jpg      loose crops
///   txts/<Group>/<Group>_pairs.txt, <Group>_lmk.txt (and _images, _people, which are not needed)
/// below the set's folder or, as in the official archive, below its `test` folder.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/set_files.hpp"
#include "fairsweep/dataset.hpp"

namespace fairsweep {

[[nodiscard]] bool is_rfw_root(const std::filesystem::path& folder);  ///< holds data/ and txts/
/// The folder that does: `folder` or `folder/test`.
[[nodiscard]] std::optional<std::filesystem::path> find_rfw_root(const std::filesystem::path& folder);
/// Groups that have a pair file, sorted by name.
[[nodiscard]] std::vector<std::string> rfw_groups_in(const std::filesystem::path& root);
/// txts/<Group>/<Group>_<kind>.txt
[[nodiscard]] std::filesystem::path rfw_text_path(const std::filesystem::path& root, const std::string& group, const char* kind);

/// Reads pairs and landmarks of every group and checks that each image of a pair is there. An image that no pair names is
/// not part of the set. Throws a data error naming file and line.
[[nodiscard]] std::unique_ptr<VerificationSet> open_rfw_set(const DataSource& source);
/// Those that the source names, those on disk, or, while the set is missing, the four of RFW.
[[nodiscard]] std::vector<std::string> rfw_group_names(const DataSource& source);
[[nodiscard]] SetFiles rfw_set_files(const DataSource& source);

}  // namespace fairsweep
