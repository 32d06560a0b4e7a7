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

#include "fairsweep/dataset.hpp"

namespace fairsweep {

/// The folder that holds data/ and txts/: `folder` or `folder/test`.
[[nodiscard]] std::optional<std::filesystem::path> find_rfw_root(const std::filesystem::path& folder);
/// Groups that have a pair file, sorted by name.
[[nodiscard]] std::vector<std::string> rfw_groups_in(const std::filesystem::path& root);
/// txts/<Group>/<Group>_<kind>.txt
[[nodiscard]] std::filesystem::path rfw_text_path(const std::filesystem::path& root, const std::string& group, const char* kind);

/// Reads pairs and landmarks of every group and checks that each image of a pair is there. An image that no pair names is
/// not part of the set. Throws a data error naming file and line.
[[nodiscard]] std::unique_ptr<VerificationSet> open_rfw_set(const DataSource& source);

}  // namespace fairsweep
