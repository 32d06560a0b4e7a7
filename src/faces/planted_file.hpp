#pragma once
/// The truth beside drawn faces, found again by whoever reads them.
#include <filesystem>
#include <string>

namespace fairsweep::faces {

/// What planted.json says that lies in `data`, or above it where `data` is one of the sets of `fairsweep data make` (a folder, or
/// the manifest in it), as one
/// line of JSON: {"seed", "groups": [{"name", "identity_spread", "noise_multiplier"}], "hardest_first": [[names that are equally
/// hard], ...]}. Empty when there is no such file, so for all data that are not drawn; a file of that name with other content is
/// left aside with a warning.
[[nodiscard]] std::string planted_beside(const std::filesystem::path& data);

}  // namespace fairsweep::faces
