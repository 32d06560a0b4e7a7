#pragma once
/// A file that is made piece by piece and appears at once.
#include <filesystem>

#include "fairsweep/files.hpp"

namespace fairsweep {

/// A file in the making beside the path that it is for: readers of the path see the old file or the whole new one.
class NewFile {
public:
    explicit NewFile(std::filesystem::path path);
    ~NewFile();  ///< removed, unless it took its place
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    [[nodiscard]] File& file() noexcept { return file_; }
    void take_place();  ///< syncs, renames, syncs the folder

private:
    std::filesystem::path path_;
    std::filesystem::path beside_;
    File file_;
};

/// Removes what killed processes left of a NewFile for this path; never throws.
void remove_leftovers_of(const std::filesystem::path& path) noexcept;

}  // namespace fairsweep
