/// data_set_digest: the identity of a data set. Cheap for millions of images: the index and all text whole, sizes of files,
/// and the bytes of a fixed sample spread evenly.
#include <algorithm>
#include <filesystem>

#include "data/folder_set.hpp"
#include "data/recordio_set.hpp"
#include "data/rfw_set.hpp"
#include "fairsweep/dataset.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSampledImages = 64;      // read whole
constexpr std::uint64_t kSampledSizes = 1 << 16;  // sizes asked of the file system: all of RFW, a part of a set of millions
constexpr std::uint64_t kMaxImageBytes = 64ULL << 20;

/// Up to `wanted` of 0 .. count-1, first and last among them, evenly spread.
std::vector<std::uint64_t> spread(std::uint64_t count, std::uint64_t wanted) {
    std::vector<std::uint64_t> chosen;
    const std::uint64_t taken = std::min(count, wanted);
    for (std::uint64_t i = 0; i < taken; ++i) chosen.push_back(taken == 1 ? 0 : i * (count - 1) / (taken - 1));
    return chosen;
}

/// Every value is preceded by its size, so that different sets never give the same stream of bytes.
class SetHash {
public:
    explicit SetHash(const char* format) { text(format); }
    void number(std::uint64_t value) { hash_.update(std::as_bytes(std::span(&value, 1))); }
    void bytes(std::span<const std::byte> data) {
        number(data.size());
        hash_.update(data);
    }
    void text(std::string_view value) { bytes(std::as_bytes(std::span(value.data(), value.size()))); }
    void file(const fs::path& path, std::uint64_t max_bytes) { text(read_text_file(path, max_bytes)); }
    void large_file(const fs::path& path) { text(sha256_of_file(path).hex()); }

    /// Images at `path(i)`, named `name(i)` independent of where the set lies.
    template <typename Path, typename Name>
    void images(std::uint64_t count, const Path& path, const Name& name) {
        number(count);
        for (std::uint64_t i = 0; i < count; ++i) text(name(i));
        for (const std::uint64_t i : spread(count, kSampledSizes)) number(File::open_for_reading(path(i)).size_bytes());
        for (const std::uint64_t i : spread(count, kSampledImages)) file(path(i), kMaxImageBytes);
    }
    [[nodiscard]] Digest finish() { return hash_.finish(); }

private:
    Sha256 hash_;
};

Digest recordio_digest(const DataSource& source) {
    const RecordioSet set = read_recordio_set(source.path);
    SetHash hash("fairsweep recordio 1");
    if (set.has_property) hash.file(set.files.property, 4096);  // without it the records decide
    hash.large_file(set.files.index);
    hash.number(set.reader.size_bytes());
    hash.number(set.image_offsets.size());
    for (const std::uint64_t image : spread(set.image_offsets.size(), kSampledImages)) {
        hash.bytes(set.reader.read(set.image_offsets[image], set.key_of(image)).payload);
    }
    return hash.finish();
}

Digest folder_digest(const DataSource& source) {
    const FolderSet set = read_folder_set(source.path);
    SetHash hash("fairsweep folder 1");
    hash.images(
        set.files.size(), [&set](std::uint64_t i) { return set.path / set.relative_path(i); },
        [&set](std::uint64_t i) { return set.relative_path(i); });
    return hash.finish();
}

Digest rfw_digest(const DataSource& source) {
    const std::unique_ptr<VerificationSet> set = open_verification_set(source);
    const fs::path root = find_rfw_root(source.path).value();
    SetHash hash("fairsweep rfw 1");
    for (const VerificationGroup& group : set->groups()) {
        hash.text(group.name);
        // Only pairs and landmarks decide what the set gives; lists that some copies lack do not.
        for (const char* kind : {"pairs", "lmk"}) hash.file(rfw_text_path(root, group.name, kind), 256ULL << 20);
        hash.images(
            group.image_paths.size(), [&](std::uint64_t i) { return source.path / group.image_paths[i]; },
            [&](std::uint64_t i) { return (source.path / group.image_paths[i]).lexically_relative(root).string(); });
    }
    return hash.finish();
}

}  // namespace

Digest data_set_digest(const DataSource& source) {
    if (source.format == "recordio") return recordio_digest(source);
    if (source.format == "folder") return folder_digest(source);
    (void)data_set_present(source);  // refuses a format that is not known
    return rfw_digest(source);
}

}  // namespace fairsweep
