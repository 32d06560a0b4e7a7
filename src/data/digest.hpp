#pragma once
/// The identity of a data set: the hash of every byte that its readers see, and where the hash is kept, so that a set is read
/// for it once (docs/decisions/0014-data-identity.md).
#include <cstdint>
#include <filesystem>

#include "fairsweep/dataset.hpp"

namespace fairsweep {

struct DataSetHash {
    Digest digest;
    std::uint64_t bytes_read = 0;  ///< 0: the digest was kept from an earlier time
};

/// As data_set_digest(); digests are kept in `cache_folder` (none when empty) under the set's place, and taken from there
/// while names, sizes, times of change (ns) and inodes of all its files are the same. What cannot be kept is a warning.
[[nodiscard]] DataSetHash hash_data_set(const DataSource& source, const std::filesystem::path& cache_folder);

/// $XDG_CACHE_HOME/fairsweep/data-sets, else ~/.cache/fairsweep/data-sets; empty when neither is set.
[[nodiscard]] std::filesystem::path data_set_cache_folder();

}  // namespace fairsweep
