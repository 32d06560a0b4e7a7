#pragma once
/// The seal: 64 bytes behind the HDF5 part of every HDF5 file that fairsweep writes, with a CRC-32C of everything that never
/// changes (all but the preallocated rows of stores and shards). It is checked before HDF5 sees the file: HDF5 1.10 crashes
/// on some damaged metadata, and reads wrong numbers from others. HDF5 and h5py ignore bytes behind their own end of file.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "fairsweep/files.hpp"

namespace fairsweep {

inline constexpr std::size_t kSealBytes = 64;

/// Appends the seal to the bytes of an HDF5 file whose bytes [data_offset, data_offset + data_bytes) may change later.
void seal(std::vector<std::byte>& image, std::uint64_t data_offset = 0, std::uint64_t data_bytes = 0);

/// The same of a finished HDF5 file none of whose bytes change later.
void seal(File& file);

/// For the messages about a file that is not as it was written.
struct SealWords {
    const char* thing;  ///< "a store"
    const char* mend;   ///< what to do: "copy it back from where it was whole"
};

enum class SealState : std::uint8_t { sealed, unsealed };
/// `unsealed`: an HDF5 file that does not end with the seal's first bytes: another program wrote or changed it, or it is cut
/// off. Throws a store error for a file that is missing or no HDF5, and for a seal that does not hold.
[[nodiscard]] SealState seal_state(const std::filesystem::path& path, const SealWords& words);

/// Throws a store error unless the file is HDF5, ends with a seal, and everything outside the sealed-off range is as it was.
void check_seal(const std::filesystem::path& path, const SealWords& words);

}  // namespace fairsweep
