#include <fmt/format.h>

#include <algorithm>

#include "fairsweep/error.hpp"
#include "store/h5.hpp"

namespace fairsweep::h5 {
namespace {

/// zlib shrinks at most about 1:1032, and shuffle cannot add to that: a larger extent is a lie of the file.
constexpr std::uint64_t kMaxInflation = 1100;
constexpr std::uint64_t kMaxTextBytes = 1 << 20;  // one string or attribute

std::string text_of(const Dims& dims) {
    std::string text = "[";
    for (std::size_t i = 0; i < dims.size(); ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", dims[i]);
    return text + "]";
}

PropertiesHandle access_without_locks() {
    PropertiesHandle access(H5Pcreate(H5P_FILE_ACCESS));
    // Our own lock file says who owns a store; HDF5's locks would shut readers of a live file out.
#if H5_VERSION_GE(1, 14, 0) || (H5_VERSION_GE(1, 12, 1)) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
    H5Pset_file_locking(access.get(), false, true);
#endif
    return access;
}

}  // namespace

Reader::Reader(const std::filesystem::path& path) : path_(path) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::is_regular_file(status)) {
        throw_store({.attempted = "cannot open an HDF5 file",
                     .where = path.string(),
                     .found = std::filesystem::exists(status) ? "not a regular file" : "no such file"});
    }
    size_bytes_ = std::filesystem::file_size(path, error);
    const PropertiesHandle access = access_without_locks();
    file_ = FileHandle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()));
    if (file_.get() < 0) {
        const std::string reason = take_error_text();
        throw_store({.attempted = "cannot open an HDF5 file",
                     .where = path.string(),
                     .found = fmt::format("{} bytes; HDF5 says: {}", size_bytes_, reason),
                     .expected = "a whole HDF5 file",
                     .hint = "it is damaged, truncated or of another format"});
    }
}

void Reader::fail(const char* attempted, const std::string& path) const {
    throw_store({.attempted = attempted,
                 .where = path_.string() + ", " + path,
                 .found = take_error_text(),
                 .hint = "the file is damaged, or not one of fairsweep's"});
}

void Reader::damaged(const std::string& path, const std::string& found, const std::string& expected) const {
    throw_store({.attempted = "unexpected content",
                 .where = path_.string() + ", " + path,
                 .found = found,
                 .expected = expected,
                 .hint = "the file is damaged, or not one of fairsweep's"});
}

bool Reader::has(const std::string& path) const {
    // H5Lexists needs every step of the way to exist.
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string step = path.substr(0, end);
        const htri_t found = H5Lexists(file_.get(), step.c_str(), H5P_DEFAULT);
        if (found <= 0) {
            H5Eclear2(H5E_DEFAULT);
            return false;
        }
        if (end == std::string::npos) return true;
    }
}

std::vector<std::string> Reader::children(const std::string& group) const {
    std::vector<std::string> names;
    const auto add = [](hid_t, const char* name, const H5L_info_t*, void* data) -> herr_t {
        static_cast<std::vector<std::string>*>(data)->emplace_back(name);
        return 0;
    };
    const GroupHandle handle(H5Gopen2(file_.get(), group.c_str(), H5P_DEFAULT));
    hsize_t position = 0;
    if (handle.get() < 0 || H5Literate(handle.get(), H5_INDEX_NAME, H5_ITER_INC, &position, add, &names) < 0) {
        fail("cannot list an HDF5 group", group);
    }
    return names;
}

std::vector<std::string> Reader::attribute_names(const std::string& object) const {
    std::vector<std::string> names;
    const auto add = [](hid_t, const char* name, const H5A_info_t*, void* data) -> herr_t {
        static_cast<std::vector<std::string>*>(data)->emplace_back(name);
        return 0;
    };
    const ObjectHandle owner(H5Oopen(file_.get(), object.c_str(), H5P_DEFAULT));
    hsize_t position = 0;
    if (owner.get() < 0 || H5Aiterate2(owner.get(), H5_INDEX_NAME, H5_ITER_INC, &position, add, &names) < 0) {
        fail("cannot list HDF5 attributes", object);
    }
    return names;
}

bool Reader::has_attribute(const std::string& object, const std::string& name) const {
    const htri_t found = H5Aexists_by_name(file_.get(), object.c_str(), name.c_str(), H5P_DEFAULT);
    H5Eclear2(H5E_DEFAULT);
    return found > 0;
}

std::string Reader::text_attribute(const std::string& object, const std::string& name) const {
    const std::string where = object + "@" + name;
    const AttributeHandle attribute(H5Aopen_by_name(file_.get(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
    if (attribute.get() < 0) fail("cannot read an HDF5 attribute", where);
    const TypeHandle type(H5Aget_type(attribute.get()));
    const SpaceHandle space(H5Aget_space(attribute.get()));
    const std::size_t size = H5Tget_size(type.get());
    if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 || size > kMaxTextBytes ||
        H5Sget_simple_extent_npoints(space.get()) != 1) {
        damaged(where, "another type", "one fixed-length string");
    }
    std::string text(size, '\0');
    if (H5Aread(attribute.get(), type.get(), text.data()) < 0) fail("cannot read an HDF5 attribute", where);
    text.resize(std::min(size, text.find('\0')));
    return text;
}

std::uint64_t Reader::number_attribute(const std::string& object, const std::string& name) const {
    const std::string where = object + "@" + name;
    const AttributeHandle attribute(H5Aopen_by_name(file_.get(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
    if (attribute.get() < 0) fail("cannot read an HDF5 attribute", where);
    const TypeHandle type(H5Aget_type(attribute.get()));
    const SpaceHandle space(H5Aget_space(attribute.get()));
    if (H5Tequal(type.get(), H5T_STD_U64LE) <= 0 || H5Sget_simple_extent_npoints(space.get()) != 1) {
        damaged(where, "another type", "one unsigned 64-bit number");
    }
    std::uint64_t value = 0;
    if (H5Aread(attribute.get(), H5T_NATIVE_UINT64, &value) < 0) fail("cannot read an HDF5 attribute", where);
    return value;
}

DatasetHandle Reader::open(const std::string& path) const {
    DatasetHandle dataset(H5Dopen2(file_.get(), path.c_str(), H5P_DEFAULT));
    if (dataset.get() < 0) fail("cannot open an HDF5 dataset", path);
    return dataset;
}

H5T_class_t Reader::type_class(const std::string& path) const {
    const DatasetHandle dataset = open(path);
    const TypeHandle type(H5Dget_type(dataset.get()));
    return H5Tget_class(type.get());
}

DatasetHandle Reader::open_numbers(const std::string& path, hid_t type) const {
    DatasetHandle dataset = open(path);
    const TypeHandle stored(H5Dget_type(dataset.get()));
    // Equal in every part: HDF5 would convert any number of the same class and size, also one whose exponent lies elsewhere.
    if (H5Tequal(stored.get(), type) <= 0) {
        damaged(path, "another number type",
                fmt::format("{} of {} bytes", H5Tget_class(type) == H5T_FLOAT ? "floats" : "integers", H5Tget_size(type)));
    }
    return dataset;
}

Dims Reader::dims(const DatasetHandle& dataset, const std::string& path) const {
    const SpaceHandle space(H5Dget_space(dataset.get()));
    const int rank = H5Sget_simple_extent_ndims(space.get());
    if (rank < 0 || rank > 8) damaged(path, fmt::format("{} dimensions", rank), "at most 8");
    Dims dims(static_cast<std::size_t>(rank));
    H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr);
    return dims;
}

std::size_t Reader::checked_elements(const DatasetHandle& dataset, const std::string& path, const Dims& expected,
                                     std::size_t element_bytes) const {
    const Dims found = dims(dataset, path);
    if (!expected.empty() && found != expected) damaged(path, "extent " + text_of(found), text_of(expected));
    const std::uint64_t limit_bytes = size_bytes_ * kMaxInflation;
    std::uint64_t elements = 1;
    for (const hsize_t extent : found) {
        if (extent == 0) return 0;
        if (elements > limit_bytes / element_bytes / extent) {
            damaged(path, "extent " + text_of(found), fmt::format("what a file of {} bytes can hold", size_bytes_));
        }
        elements *= extent;
    }
    return static_cast<std::size_t>(elements);
}

void Reader::read_all(const DatasetHandle& dataset, hid_t type, void* to, const std::string& path) const {
    const SpaceHandle space(H5Dget_space(dataset.get()));
    if (H5Sget_simple_extent_npoints(space.get()) == 0) return;
    if (H5Dread(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) < 0) fail("cannot read an HDF5 dataset", path);
}

std::vector<std::string> Reader::get_text(const std::string& path, const Dims& expected) const {
    const DatasetHandle dataset = open(path);
    const TypeHandle type(H5Dget_type(dataset.get()));
    const std::size_t width = H5Tget_size(type.get());
    if (width == 0 || width > kMaxTextBytes || H5Tequal(type.get(), text_type(width).get()) <= 0) {
        damaged(path, "another type", "fixed-length UTF-8 strings, padded with NUL");
    }
    const std::size_t count = checked_elements(dataset, path, expected, width);
    std::string all(count * width, '\0');
    read_all(dataset, type.get(), all.data(), path);
    std::vector<std::string> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view padded = std::string_view(all).substr(i * width, width);
        values[i] = padded.substr(0, padded.find('\0'));
    }
    return values;
}

std::vector<float> Reader::get_row(const std::string& path, hsize_t row, hsize_t columns) const {
    const DatasetHandle dataset = open_numbers(path, H5T_NATIVE_FLOAT);
    const Dims found = dims(dataset, path);
    if (found.size() != 2 || row >= found[0] || found[1] != columns) {
        damaged(path, "extent " + text_of(found), fmt::format("row {} of {} values", row, columns));
    }
    const Dims start{row, 0};
    const Dims extent{1, columns};
    const SpaceHandle source(H5Dget_space(dataset.get()));
    const SpaceHandle target(H5Screate_simple(2, extent.data(), nullptr));
    std::vector<float> values(static_cast<std::size_t>(columns));
    if (H5Sselect_hyperslab(source.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) < 0 ||
        H5Dread(dataset.get(), H5T_NATIVE_FLOAT, target.get(), source.get(), H5P_DEFAULT, values.data()) < 0) {
        fail("cannot read a row of an HDF5 dataset", path);
    }
    return values;
}

std::uint64_t Reader::contiguous_offset(const std::string& path, hid_t type, const Dims& expected) const {
    const DatasetHandle dataset = open(path);
    const TypeHandle stored(H5Dget_type(dataset.get()));
    if (H5Tequal(stored.get(), type) <= 0) damaged(path, "another element type", "the type that this version writes");
    const Dims found = dims(dataset, path);
    if (found != expected) damaged(path, "extent " + text_of(found), text_of(expected));
    const haddr_t offset = H5Dget_offset(dataset.get());
    H5Eclear2(H5E_DEFAULT);
    std::uint64_t bytes = H5Tget_size(type);
    for (const hsize_t extent : expected) bytes *= extent;
    if (offset == HADDR_UNDEF || offset > size_bytes_ || bytes > size_bytes_ - offset) {
        damaged(path, "its bytes do not lie in the file", "a contiguous, allocated dataset");
    }
    return offset;
}

}  // namespace fairsweep::h5
