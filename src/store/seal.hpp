#pragma once
/// The seal: 64 bytes behind the HDF5 part of a store or shard, with a CRC-32C of everything that never changes (all but
/// the preallocated rows). It is checked before HDF5 sees the file: HDF5 1.10 crashes on some damaged metadata, and reads
/// wrong numbers from others. HDF5 and h5py ignore bytes behind their own end of file.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace fairsweep {

inline constexpr std::size_t kSealBytes = 64;

/// Appends the seal to the bytes of an HDF5 file whose bytes [data_offset, data_offset + data_bytes) may change later.
void seal(std::vector<std::byte>& image, std::uint64_t data_offset, std::uint64_t data_bytes);

/// Throws a store error unless the file is HDF5, ends with a seal, and everything outside the sealed-off range is as it was.
void check_seal(const std::filesystem::path& path);

}  // namespace fairsweep
