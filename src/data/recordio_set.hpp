#pragma once
/// insightface's training folder: train.rec, train.idx, property. Key 0 is an index record with labels (A, B): images are
/// keys 1 .. A-1, one record per identity follows. In the sequential variant (im2rec) every record is an image; keys count
/// from 0, or from 1, and there may be no `property`.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "data/record_index.hpp"
#include "data/recordio.hpp"
#include "data/set_files.hpp"
#include "fairsweep/dataset.hpp"

namespace fairsweep {

struct RecordioFiles {
    std::filesystem::path records;  ///< .rec
    std::filesystem::path index;    ///< .idx
    std::filesystem::path property;
};
/// `path` is a .rec file, or a folder with train.rec or with one .rec of another name. None when there is no .rec.
[[nodiscard]] std::optional<RecordioFiles> find_recordio_files(const std::filesystem::path& path);

/// A training folder after its index was read: where every image is.
struct RecordioSet {
    RecordioFiles files;
    RecordReader reader;
    RecordProperty property;
    bool has_property = true;                  ///< the file; without it the numbers are those of the records
    std::vector<std::uint64_t> image_offsets;  ///< by image; its key is first_image_key + position
    std::uint64_t first_image_key = 0;
    std::vector<std::uint64_t> identity_offsets;  ///< records of identities, empty in the sequential variant

    [[nodiscard]] std::uint64_t key_of(std::uint64_t image) const { return first_image_key + image; }
    /// Decodes an image and checks its label against `property`. Safe to call from several threads.
    [[nodiscard]] LabelledImage get(std::uint64_t image) const;
};

/// The labels of all images are read where there is neither `property` nor an identity record, up to this number.
inline constexpr std::uint64_t kMaxLabelsRead = 2'000'000;

/// Throws a data error that names the file, and key 0 where that is what is missing.
[[nodiscard]] RecordioSet read_recordio_set(const std::filesystem::path& path);
[[nodiscard]] std::unique_ptr<TrainingSet> open_recordio_set(const DataSource& source);
[[nodiscard]] bool is_recordio_present(const DataSource& source);  ///< records and index: im2rec writes no property
[[nodiscard]] SetFiles recordio_set_files(const DataSource& source);
/// A hash says nothing of damage: records that are cut off or do not begin where the index says are reported before work starts.
/// First, last and some between; the readers check every one that they read.
void check_some_records(const DataSource& source);

}  // namespace fairsweep
