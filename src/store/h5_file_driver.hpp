#pragma once
/// How HDF5 builds a file that memory cannot hold: its reads and writes go to a File of ours. It never learns of a write that
/// failed, because HDF5 1.10 crashes when the program ends after one: of what did not reach the disk its own bookkeeping is kept
/// in memory, where it finds it again, and the error waits for whoever asks.
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <vector>

#include "fairsweep/files.hpp"
#include "store/h5.hpp"

namespace fairsweep::h5 {

/// A file that HDF5 builds, empty at first; must outlive the HDF5 file.
class DrivenFile {
public:
    explicit DrivenFile(File& file) : file_(&file) {}

    /// For H5Fcreate: the name given there is then for messages alone.
    [[nodiscard]] PropertiesHandle access();
    /// Throws the error of the first write that failed: the file is lost then. Ask after every piece of work.
    void check() const;

    // For the driver.
    void read(std::uint64_t offset, std::span<std::byte> to) const;
    /// `values`: of datasets. After an error they are dropped, since HDF5 does not need them to go on.
    void write(std::uint64_t offset, std::span<const std::byte> bytes, bool values) noexcept;
    void truncate(std::uint64_t size_bytes) noexcept;
    [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }

private:
    struct Unwritten {
        std::uint64_t offset;
        std::vector<std::byte> bytes;
    };
    File* file_;
    std::uint64_t size_bytes_ = 0;
    std::exception_ptr error_;
    std::vector<Unwritten> unwritten_;  ///< in the order in which they came
};

}  // namespace fairsweep::h5
