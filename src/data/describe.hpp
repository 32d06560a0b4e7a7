#pragma once
/// What a folder holds and whether it is sound: counts, sizes and every problem with its place. Behind `data describe`.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairsweep {

struct DataProblem {
    std::string file;
    std::optional<std::uint64_t> offset;  ///< bytes; none for text files, whose line is in `what`
    std::string what;
};

struct GroupCounts {
    std::string name;
    std::uint64_t images = 0;      ///< files on disk, or lines of a manifest
    std::uint64_t identities = 0;  ///< folders with images, or people of a manifest
    std::uint64_t pairs = 0;
};

/// Images of each class in each group.
struct ClassCounts {
    std::string name;
    std::vector<std::uint64_t> images;  ///< [groups]
};

/// Images in each group of another grouping.
struct GroupingCounts {
    std::string name;
    std::vector<std::pair<std::string, std::uint64_t>> images;
};

struct DataDescription {
    std::string format;  ///< that of a row of the formats, or "collection" of the sets in `parts`
    std::uint64_t images = 0;
    std::uint64_t identities = 0;  ///< distinct over groups; over the parts of a collection: the sum
    std::vector<GroupCounts> groups;
    std::vector<ClassCounts> classes;               ///< of a manifest
    std::vector<GroupingCounts> groupings;          ///< of a manifest
    std::optional<std::pair<int, int>> image_size;  ///< rows, cols; none when they differ or none was decoded
    bool sizes_differ = false;
    std::uint64_t images_decoded = 0;
    std::vector<DataProblem> problems;                           ///< the first kMaxListedProblems, in file order
    std::uint64_t problem_count = 0;                             ///< all of them
    std::vector<std::pair<std::string, DataDescription>> parts;  ///< of a collection, by folder name
};

inline constexpr std::size_t kMaxListedProblems = 100;
/// Sets with fewer images are decoded whole in any case.
inline constexpr std::uint64_t kSmallSetImages = 20000;

/// Detects the format and reads back: structure always, every image when `all` is set or the set is small, else a sample.
/// Damage is a problem, not an exception; throws a usage error when there is no data set.
[[nodiscard]] DataDescription describe_data(const std::filesystem::path& folder, bool all);

}  // namespace fairsweep
