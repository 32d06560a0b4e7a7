#pragma once
/// The one container of everything a stage leaves behind: checkpoints, teacher embeddings, prepared faces. The layout is
/// that of safetensors (https://github.com/huggingface/safetensors, "Format"): 8 bytes header length, little-endian; a
/// JSON object name -> {dtype, shape, data_offsets} with strings under "__metadata__"; raw little-endian data without
/// holes. Other programs read it as it is. Ours carry in the metadata a CRC-32C of the data and one of the header, checked when
/// they are opened; files of other programs have neither, those of our first version only that of the data.
///
/// No torch here. The reader is bounded: a length or offset of the file is checked before it is used.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fairsweep/files.hpp"
#include "fairsweep/hash.hpp"

namespace fairsweep {

/// A tensor as the header describes it. `dtype` is a word of the format: F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL.
struct TensorEntry {
    std::string name;
    std::string dtype;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0;  ///< bytes, from the start of the data
    std::uint64_t end = 0;
};

/// Bytes of one element of a dtype word; 0 when there is no such word.
[[nodiscard]] std::uint64_t bytes_of_dtype(std::string_view dtype);

struct SafetensorsHeader {
    std::map<std::string, TensorEntry> tensors;
    std::map<std::string, std::string> metadata;
    std::uint64_t data_begin = 0;  ///< offset in the file
};

/// Reads and checks the header of a file of `file_bytes` bytes whose first bytes (at least the header) are `start`:
/// known dtypes, shape and offsets that agree, no hole, no overlap, nothing past the end. Throws a data error naming `path`.
[[nodiscard]] SafetensorsHeader parse_safetensors_header(std::span<const std::byte> start, std::uint64_t file_bytes,
                                                         const std::filesystem::path& path);

/// A file mapped into memory, read-only. Move-only; spans live as long as it does.
class SafetensorsFile {
public:
    /// Throws a data error when it is missing, not of this format, damaged (CRC of data or header) or cut short.
    explicit SafetensorsFile(const std::filesystem::path& path);
    ~SafetensorsFile();
    SafetensorsFile(SafetensorsFile&& other) noexcept;
    SafetensorsFile& operator=(SafetensorsFile&&) = delete;

    [[nodiscard]] const std::map<std::string, TensorEntry>& tensors() const { return header_.tensors; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] bool has_metadata(const std::string& key) const { return header_.metadata.contains(key); }
    /// Value of a metadata key; throws a data error when it is not there.
    [[nodiscard]] const std::string& metadata(const std::string& key) const;
    /// The tensor of that name with that dtype and number of dimensions; throws a data error naming what differs.
    [[nodiscard]] const TensorEntry& require(const std::string& name, const std::string& dtype, std::size_t dimensions) const;
    [[nodiscard]] std::span<const std::byte> bytes(const TensorEntry& entry) const;

    /// The elements of a tensor, copied: data of foreign files need not be aligned.
    template <class T>
    [[nodiscard]] std::vector<T> read(const std::string& name, const std::string& dtype, std::size_t dimensions = 1) const {
        const std::span<const std::byte> raw = bytes(require(name, dtype, dimensions));
        std::vector<T> values(raw.size() / sizeof(T));
        std::copy(raw.begin(), raw.end(), std::as_writable_bytes(std::span(values)).begin());
        return values;
    }

private:
    std::filesystem::path path_;
    SafetensorsHeader header_;
    std::byte* mapped_ = nullptr;
    std::uint64_t mapped_bytes_ = 0;
};

/// What to write: the entries in the order of their data (begin and end are filled in).
struct SafetensorsPlan {
    std::vector<TensorEntry> tensors;
    std::map<std::string, std::string> metadata;
};

/// Writes a file piece by piece: beside the target, synced and renamed by finish(). Without finish() nothing is left.
class SafetensorsWriter {
public:
    SafetensorsWriter(std::filesystem::path path, SafetensorsPlan plan);
    ~SafetensorsWriter();
    SafetensorsWriter(const SafetensorsWriter&) = delete;
    SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

    /// The next bytes of the data, tensors one after another in the plan's order. Throws infrastructure errors.
    void append(std::span<const std::byte> data);

    struct Written {
        Digest digest;  ///< SHA-256 of the file as read back
        std::uint64_t size_bytes = 0;
    };
    [[nodiscard]] Written finish();

private:
    [[nodiscard]] std::string header_text(std::uint32_t crc) const;

    std::filesystem::path path_;
    std::filesystem::path beside_;
    SafetensorsPlan plan_;
    File file_;
    std::uint64_t data_begin_ = 0;
    std::uint64_t data_bytes_ = 0;
    std::uint64_t written_bytes_ = 0;
    std::uint32_t crc_ = 0;
    bool finished_ = false;
};

}  // namespace fairsweep
