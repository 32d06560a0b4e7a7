#pragma once
/// `fairsweep data make`: the embedded default data set, whole or not at all.
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "faces/groups.hpp"

namespace fairsweep::faces {

/// What a finished folder holds: three data sets, two more of expressions where they are asked for, and what was planted in all.
inline constexpr std::array<const char*, 5> kSetFolders{"train", "synthetic", "test", "expressions/train", "expressions/test"};
inline constexpr const char* kPlantedFile = "planted.json";

/// Everything that decides the bytes.
struct FaceDataParameters {
    std::vector<Group> groups;
    std::uint32_t identities = 50;  ///< training, per group
    std::uint32_t images = 20;      ///< per training identity
    std::uint32_t calibration_identities = 100;
    std::uint32_t calibration_images = 10;
    std::uint32_t test_identities = 150;
    std::uint32_t pairs = 1200;     ///< per group
    std::uint32_t expressions = 0;  ///< images per class and group of expressions/train, and of expressions/test; 0: no such sets
    std::uint64_t seed = 1;
};

/// Throws a usage error, naming the option, unless every number is one that can be made.
void check_parameters(const FaceDataParameters& parameters);
[[nodiscard]] std::uint64_t total_images(const FaceDataParameters& parameters);

using MakeProgress = std::function<void(std::uint64_t images_done, std::uint64_t images_total)>;

enum class MakeResult { made, already_there };

/// Writes folder/{train,synthetic}/{train.rec,train.idx,property}, folder/test (RFW tree), folder/planted.json and
/// folder/manifest.json; with expressions, folder/expressions/{train,test}/{manifest.csv,images} as well. All is made in
/// `folder`.partial and renamed at the end; a folder that is finished with the same parameters is left alone. Usage errors:
/// `folder` holds something else, or another process is making it.
MakeResult make_data(const std::filesystem::path& folder, const FaceDataParameters& parameters, unsigned threads,
                     const MakeProgress& on_progress);

}  // namespace fairsweep::faces
