#pragma once
/// MXNet RecordIO (.rec) and the image records inside, little-endian:
///   record = uint32 magic | uint32 (part flag << 29 | length) | payload | zeros to a multiple of 4
/// A payload that holds the magic at a 4-aligned offset is cut there: the parts are flagged first, middle, last, and the
/// magic between them is dropped and put back by the reader. Format: dmlc-core recordio.h, mxnet recordio.py.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "fairsweep/files.hpp"

namespace fairsweep {

inline constexpr std::uint32_t kRecordMagic = 0xced7230a;
/// Longest payload that is written or read: face images are thousands of times smaller, so a longer one is damage.
inline constexpr std::uint64_t kMaxRecordBytes = 64ULL << 20;

/// Writes records one after another. Not thread-safe. Throws infrastructure errors.
class RecordWriter {
public:
    /// Creates the file; an existing one is emptied.
    explicit RecordWriter(const std::filesystem::path& path);
    ~RecordWriter();
    RecordWriter(RecordWriter&&) = delete;

    /// Appends a record and returns the offset of its magic: what the .idx holds. Payload at most kMaxRecordBytes.
    std::uint64_t write(std::span<const std::byte> payload);
    /// Writes out and closes. Without it the end of the file may be missing.
    void close();

private:
    void put_part(std::uint32_t part_flag, std::span<const std::byte> part);
    void flush();
    File file_;
    std::vector<std::byte> buffer_;    // not yet in the file
    std::uint64_t written_bytes_ = 0;  // in the file
};

struct Record {
    std::vector<std::byte> payload;
    std::uint64_t next_offset = 0;  ///< where the next record would start
};

/// Reads records at known offsets; safe to call from several threads.
class RecordReader {
public:
    explicit RecordReader(const std::filesystem::path& path);

    /// The record whose magic is at `offset`, its parts joined. `record` is its key or number, for errors only. Throws a
    /// data error naming file, offset and record when the magic is wrong, the record is cut off or its parts do not match.
    [[nodiscard]] Record read(std::uint64_t offset, std::uint64_t record) const;
    /// The first `bytes` of that record's payload, or all of a shorter one: labels without the image. Errors as read().
    [[nodiscard]] std::vector<std::byte> read_start(std::uint64_t offset, std::uint64_t record, std::size_t bytes) const;
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return file_.path(); }

private:
    File file_;
    std::uint64_t size_bytes_ = 0;
};

/// An image record (IRHeader): 24 bytes, then `flag` labels when flag > 0, then the encoded image.
struct ImageRecord {
    std::uint32_t flag = 0;     ///< 0: one scalar label; else how many labels follow the header
    std::vector<float> labels;  ///< never empty
    std::uint64_t id = 0;
    std::uint64_t id2 = 0;
    std::span<const std::byte> encoded;  ///< the image inside the payload; empty for index records
};

/// The result points into `payload`. `where` names the record in errors. Throws a data error when the labels it claims do
/// not fit into the payload.
[[nodiscard]] ImageRecord decode_image_record(std::span<const std::byte> payload, const std::string& where);

/// flag 0 with labels {x}, or flag = labels.size(). The image may be empty.
[[nodiscard]] std::vector<std::byte> encode_image_record(const ImageRecord& record);

}  // namespace fairsweep
