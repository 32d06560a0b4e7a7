#pragma once
/// What lies beside a .rec: the .idx (key TAB offset, one line per record) and insightface's `property`.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace fairsweep {

inline constexpr std::uint64_t kNoOffset = ~std::uint64_t{0};

/// Offsets by key: result[key] is where the record's magic is, or kNoOffset for a key that no line names. One pass; memory
/// is 8 bytes per key. Throws a data error naming file and line when a line is not `key TAB offset`, a key comes twice, or a
/// key is larger than the file could have lines (keys are 0 .. n-1 in these files).
[[nodiscard]] std::vector<std::uint64_t> read_record_index(const std::filesystem::path& path);

struct IndexEntry {
    std::uint64_t key = 0;
    std::uint64_t offset = 0;
};
/// In the given order; the file appears whole or not at all.
void write_record_index(const std::filesystem::path& path, std::span<const IndexEntry> entries);

/// `property`: "identities,rows,cols".
struct RecordProperty {
    std::uint64_t identities = 0;
    int rows = 0;  ///< pixels
    int cols = 0;
};
/// Throws a data error when the file is missing or is not three numbers.
[[nodiscard]] RecordProperty read_record_property(const std::filesystem::path& path);
void write_record_property(const std::filesystem::path& path, const RecordProperty& property);

}  // namespace fairsweep
