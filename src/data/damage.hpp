#pragma once
/// Damage in a file, with the place as a value: what `data describe` lists and what an Error tells in words.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "fairsweep/error.hpp"

namespace fairsweep {

/// A place in a file: a byte offset in binary files, a line (from 1) in text files.
struct FileSpot {
    std::filesystem::path file;
    std::optional<std::uint64_t> offset;
    std::optional<std::uint64_t> line;
    [[nodiscard]] std::string text() const;  ///< "train.rec, offset 4096"
};

/// A data error that knows the file and the place.
class DamagedFile : public Error {
public:
    DamagedFile(const FileSpot& spot, const ErrorParts& parts) : Error(ErrorKind::data, parts), spot_(spot) {}
    [[nodiscard]] const FileSpot& spot() const noexcept { return spot_; }

private:
    FileSpot spot_;
};

/// Throws DamagedFile; `parts.where` is made from the spot, followed by what it held (", record 12").
[[noreturn]] void throw_damaged(const FileSpot& spot, ErrorParts parts);

}  // namespace fairsweep
