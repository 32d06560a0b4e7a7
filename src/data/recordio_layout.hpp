#pragma once
/// Inside the data room: how the keys of a RecordIO set are understood.
#include <cstdint>
#include <string>
#include <vector>

#include "data/recordio_set.hpp"

namespace fairsweep {

/// Fills in which keys are images and which are identities. `offsets` by key, as read_record_index() gives them. Throws a data
/// error that names the file, and key 0 where that is what is missing or wrong.
void find_images(RecordioSet& set, std::vector<std::uint64_t> offsets);

/// What `property` would say, from the records: identity records are counted, else the largest label tells; rows and columns are
/// those of the first image. Throws a data error for labels that are no whole numbers, and beyond kMaxLabelsRead images.
[[nodiscard]] RecordProperty property_of_records(const RecordioSet& set);

/// "train.rec, offset 4096, record 12"
[[nodiscard]] std::string record_text(const RecordReader& reader, std::uint64_t offset, std::uint64_t key);

}  // namespace fairsweep
