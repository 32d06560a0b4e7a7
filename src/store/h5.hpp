#pragma once
/// Thin throwing layer over the HDF5 C API, for this room alone. One thread only.
/// Small files are built in memory, large ones through a driver of ours (h5_file_driver.hpp); both are written to disk by our
/// own file functions: HDF5 1.10 crashes at exit after a write that found the disk full, and a half-written HDF5 file is lost;
/// so HDF5 itself never writes to a disk here.
#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fairsweep/files.hpp"

namespace fairsweep::h5 {

class DrivenFile;

/// Move-only owner of an HDF5 identifier.
template <herr_t (*Close)(hid_t)>
class Handle {
public:
    Handle() = default;
    explicit Handle(hid_t id) noexcept : id_(id) {}
    ~Handle() { reset(); }
    Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(id_, other.id_);
        return *this;
    }
    [[nodiscard]] hid_t get() const noexcept { return id_; }
    void reset() noexcept {
        if (id_ >= 0) Close(id_);
        id_ = H5I_INVALID_HID;
    }

private:
    hid_t id_ = H5I_INVALID_HID;
};

using FileHandle = Handle<H5Fclose>;
using DatasetHandle = Handle<H5Dclose>;
using SpaceHandle = Handle<H5Sclose>;
using TypeHandle = Handle<H5Tclose>;
using GroupHandle = Handle<H5Gclose>;
using AttributeHandle = Handle<H5Aclose>;
using PropertiesHandle = Handle<H5Pclose>;
using ObjectHandle = Handle<H5Oclose>;

using Dims = std::vector<hsize_t>;

/// Native types of what we read and write.
template <typename T>
[[nodiscard]] hid_t native_type();
template <>
inline hid_t native_type<double>() {
    return H5T_NATIVE_DOUBLE;
}
template <>
inline hid_t native_type<float>() {
    return H5T_NATIVE_FLOAT;
}
template <>
inline hid_t native_type<std::uint8_t>() {
    return H5T_NATIVE_UINT8;
}
template <>
inline hid_t native_type<std::uint32_t>() {
    return H5T_NATIVE_UINT32;
}
template <>
inline hid_t native_type<std::int32_t>() {
    return H5T_NATIVE_INT32;
}
template <>
inline hid_t native_type<std::uint64_t>() {
    return H5T_NATIVE_UINT64;
}
template <>
inline hid_t native_type<std::int64_t>() {
    return H5T_NATIVE_INT64;
}

/// A field of a compound type.
struct Member {
    std::string name;
    std::size_t offset_bytes = 0;
    TypeHandle type;
};

/// Types of what we write. Whatever HDF5 refuses here is a fault of the program.
[[nodiscard]] TypeHandle text_type(std::size_t size_bytes);  ///< fixed length, UTF-8, padded with NUL; size_bytes > 0
[[nodiscard]] TypeHandle number_type(hid_t standard);        ///< a copy of one of HDF5's own, such as H5T_STD_U32LE
[[nodiscard]] TypeHandle code_type(const std::vector<std::string>& names);  ///< a byte: position of the name
[[nodiscard]] TypeHandle array_type(const TypeHandle& element, std::size_t count);
[[nodiscard]] TypeHandle compound_type(std::size_t size_bytes, const std::vector<Member>& members);

/// How new datasets are stored.
enum class Storage : std::uint8_t {
    contiguous,  ///< space is taken at creation: bytes lie at a fixed offset
    compressed,  ///< chunks with shuffle, deflate and fletcher32
};

/// A file under construction, in memory or on disk.
class Writer {
public:
    /// In memory. `name` is for messages.
    Writer(std::string name, Storage storage);
    /// In an empty file, which must outlive it; memory does not grow with what is put there.
    Writer(File& file, Storage storage);
    ~Writer();
    Writer(Writer&&) noexcept;
    Writer& operator=(Writer&&) = delete;

    void make_group(const std::string& path);
    void set_attribute(const std::string& object, const std::string& name, const std::string& text);
    void set_attribute(const std::string& object, const std::string& name, std::uint64_t value);

    template <typename T>
    void put(const std::string& path, std::span<const T> values, Dims dims) {
        put_raw(path, native_type<T>(), std::move(dims), values.data());
    }
    template <typename T>
    void put(const std::string& path, const std::vector<T>& values) {
        put(path, std::span<const T>(values), {values.size()});
    }
    void put_text(const std::string& path, const std::vector<std::string>& values);
    /// `type` filled with `fill` (zeros when null), nothing written; contiguous space is taken at once.
    DatasetHandle make(const std::string& path, hid_t type, const Dims& dims, const void* fill);
    /// Writes whole rows [first, first + count) of a 2-D dataset of float.
    void put_rows(const DatasetHandle& dataset, hsize_t first, hsize_t count, hsize_t columns, std::span<const float> values);
    /// Copies an object with all below it from an open file.
    void copy_from(hid_t source, const std::string& source_path, const std::string& path);

    /// Byte offset of a contiguous dataset in the finished file.
    [[nodiscard]] std::uint64_t offset_of(const DatasetHandle& dataset) const;
    /// Ends construction in memory; the bytes of the finished file.
    [[nodiscard]] std::vector<std::byte> finish();
    /// Ends construction on disk. The file is not synced.
    void finish_file();

private:
    void create(const PropertiesHandle& access);
    void check_disk() const;
    void put_raw(const std::string& path, hid_t type, Dims dims, const void* values);
    [[noreturn]] void fail(const char* attempted, const std::string& path) const;
    std::string name_;
    Storage storage_;
    std::unique_ptr<DrivenFile> disk_;  ///< null: in memory
    FileHandle file_;                   ///< closed before
};

/// A finished file, opened read-only. Every reader checks rank and extent against the file's size before it allocates,
/// and throws a store error naming file and dataset for everything unexpected.
class Reader {
public:
    explicit Reader(const std::filesystem::path& path);

    [[nodiscard]] hid_t id() const { return file_.get(); }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] bool has(const std::string& path) const;
    [[nodiscard]] std::vector<std::string> children(const std::string& group) const;  ///< in order of name
    [[nodiscard]] std::vector<std::string> attribute_names(const std::string& object) const;
    [[nodiscard]] bool has_attribute(const std::string& object, const std::string& name) const;
    [[nodiscard]] std::string text_attribute(const std::string& object, const std::string& name) const;
    [[nodiscard]] std::uint64_t number_attribute(const std::string& object, const std::string& name) const;

    [[nodiscard]] DatasetHandle open(const std::string& path) const;
    [[nodiscard]] Dims dims(const DatasetHandle& dataset, const std::string& path) const;
    /// Whole dataset of numbers; `expected` (when not empty) is the extent it must have.
    template <typename T>
    [[nodiscard]] std::vector<T> get(const std::string& path, const Dims& expected = {}) const {
        std::vector<T> values;
        const DatasetHandle dataset = open_numbers(path, native_type<T>());
        values.resize(checked_elements(dataset, path, expected, sizeof(T)));
        read_all(dataset, native_type<T>(), values.data(), path);
        return values;
    }
    [[nodiscard]] std::vector<std::string> get_text(const std::string& path, const Dims& expected = {}) const;
    /// One row of a 2-D dataset of float.
    [[nodiscard]] std::vector<float> get_row(const std::string& path, hsize_t row, hsize_t columns) const;
    [[nodiscard]] H5T_class_t type_class(const std::string& path) const;

    /// Offset of a contiguous dataset whose type equals `type` and whose extent is `expected`, inside the file.
    [[nodiscard]] std::uint64_t contiguous_offset(const std::string& path, hid_t type, const Dims& expected) const;

    [[noreturn]] void damaged(const std::string& path, const std::string& found, const std::string& expected) const;

private:
    [[nodiscard]] DatasetHandle open_numbers(const std::string& path, hid_t type) const;
    [[nodiscard]] std::size_t checked_elements(const DatasetHandle& dataset, const std::string& path, const Dims& expected,
                                               std::size_t element_bytes) const;
    void read_all(const DatasetHandle& dataset, hid_t type, void* to, const std::string& path) const;
    [[noreturn]] void fail(const char* attempted, const std::string& path) const;
    std::filesystem::path path_;
    std::uint64_t size_bytes_ = 0;
    FileHandle file_;
};

/// The error stack of the last failed call as one line, innermost reason first; empties the stack.
[[nodiscard]] std::string take_error_text();

}  // namespace fairsweep::h5
