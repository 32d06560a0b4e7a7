#pragma once
/// The files of a data set by names that do not depend on where it lies: what its identity is made of (data/digest.hpp).
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace fairsweep {

struct SetFiles {
    std::string tag;  ///< format and version of the hash
    std::filesystem::path root;
    std::vector<std::string> names;
    std::vector<std::filesystem::path> places;  ///< [names] where they are not root / name; else empty

    [[nodiscard]] std::filesystem::path path(std::size_t file) const {
        return places.empty() ? root / names[file] : places[file];
    }
};

}  // namespace fairsweep
