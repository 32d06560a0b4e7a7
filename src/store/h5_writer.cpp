#include <algorithm>

#include "fairsweep/error.hpp"
#include "store/h5.hpp"
#include "store/h5_file_driver.hpp"

namespace fairsweep::h5 {
namespace {

/// Chunks of about this size: small enough to read one point's scores, large enough to compress.
constexpr std::size_t kChunkBytes = 256 * 1024;

Dims chunk_of(const Dims& dims, std::size_t element_bytes) {
    Dims chunk(dims.size(), 1);
    std::size_t room = std::max<std::size_t>(1, kChunkBytes / element_bytes);
    for (std::size_t i = dims.size(); i-- > 0;) {
        chunk[i] = std::clamp<hsize_t>(dims[i], 1, room);
        room = std::max<std::size_t>(1, room / static_cast<std::size_t>(chunk[i]));
    }
    return chunk;
}

herr_t collect(unsigned depth, const H5E_error2_t* entry, void* data) {
    constexpr unsigned kInnermost = 3;  // what follows only names the callers
    auto& text = *static_cast<std::string*>(data);
    if (depth >= kInnermost || entry->desc == nullptr || *entry->desc == '\0') return 0;
    if (!text.empty()) text += "; ";
    text += entry->desc;
    return 0;
}

}  // namespace

std::string take_error_text() {
    std::string text;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &text);
    H5Eclear2(H5E_DEFAULT);
    return text.empty() ? "HDF5 gave no reason" : text;
}

Writer::Writer(std::string name, Storage storage) : name_(std::move(name)), storage_(storage) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const PropertiesHandle access(H5Pcreate(H5P_FILE_ACCESS));
    constexpr std::size_t kIncrementBytes = 1 << 20;
    if (H5Pset_fapl_core(access.get(), kIncrementBytes, 0) < 0) fail("cannot start an HDF5 file", "/");
    create(access);
}

Writer::Writer(File& file, Storage storage)
    : name_(file.path().string()), storage_(storage), disk_(std::make_unique<DrivenFile>(file)) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    create(disk_->access());
}

Writer::~Writer() = default;
Writer::Writer(Writer&&) noexcept = default;

void Writer::create(const PropertiesHandle& access) {
    file_ = FileHandle(H5Fcreate(name_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()));
    if (file_.get() < 0) fail("cannot start an HDF5 file", "/");
}

void Writer::check_disk() const {
    if (disk_) disk_->check();
}

void Writer::fail(const char* attempted, const std::string& path) const {
    check_disk();  // else only memory can have run out: HDF5 itself touches no disk
    throw_infrastructure({.attempted = attempted, .where = name_ + ", " + path, .found = take_error_text()});
}

void Writer::make_group(const std::string& path) {
    const GroupHandle group(H5Gcreate2(file_.get(), path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    if (group.get() < 0) fail("cannot make an HDF5 group", path);
}

void Writer::set_attribute(const std::string& object, const std::string& name, const std::string& text) {
    const TypeHandle type = text_type(std::max<std::size_t>(1, text.size()));
    const SpaceHandle space(H5Screate(H5S_SCALAR));
    const ObjectHandle owner(H5Oopen(file_.get(), object.c_str(), H5P_DEFAULT));
    const AttributeHandle attribute(H5Acreate2(owner.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
    const std::string padded = text.empty() ? std::string(1, '\0') : text;
    if (attribute.get() < 0 || H5Awrite(attribute.get(), type.get(), padded.data()) < 0) {
        fail("cannot write an HDF5 attribute", object + "@" + name);
    }
}

void Writer::set_attribute(const std::string& object, const std::string& name, std::uint64_t value) {
    const SpaceHandle space(H5Screate(H5S_SCALAR));
    const ObjectHandle owner(H5Oopen(file_.get(), object.c_str(), H5P_DEFAULT));
    const AttributeHandle attribute(H5Acreate2(owner.get(), name.c_str(), H5T_STD_U64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT));
    if (attribute.get() < 0 || H5Awrite(attribute.get(), H5T_NATIVE_UINT64, &value) < 0) {
        fail("cannot write an HDF5 attribute", object + "@" + name);
    }
}

DatasetHandle Writer::make(const std::string& path, hid_t type, const Dims& dims, const void* fill) {
    const SpaceHandle space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr));
    const PropertiesHandle creation(H5Pcreate(H5P_DATASET_CREATE));
    const bool is_empty =
        std::find(dims.begin(), dims.end(), hsize_t{0}) != dims.end();  // chunks cannot be longer than the extent
    if (storage_ == Storage::compressed && !is_empty) {
        const Dims chunk = chunk_of(dims, H5Tget_size(type));
        H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data());
        H5Pset_shuffle(creation.get());
        H5Pset_deflate(creation.get(), 4);
        H5Pset_fletcher32(creation.get());
    } else {
        H5Pset_layout(creation.get(), H5D_CONTIGUOUS);
        H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY);
        H5Pset_fill_time(creation.get(), H5D_FILL_TIME_ALLOC);
    }
    H5Pset_obj_track_times(creation.get(), false);  // the same content gives the same bytes
    if (fill != nullptr) H5Pset_fill_value(creation.get(), type, fill);
    DatasetHandle dataset(H5Dcreate2(file_.get(), path.c_str(), type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT));
    if (dataset.get() < 0) fail("cannot make an HDF5 dataset", path);
    return dataset;
}

void Writer::put_raw(const std::string& path, hid_t type, Dims dims, const void* values) {
    const DatasetHandle dataset = make(path, type, dims, nullptr);
    if (std::find(dims.begin(), dims.end(), hsize_t{0}) != dims.end()) return;
    if (H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) fail("cannot write an HDF5 dataset", path);
    check_disk();
}

void Writer::put_text(const std::string& path, const std::vector<std::string>& values) {
    std::size_t width = 1;
    for (const std::string& value : values) width = std::max(width, value.size());
    std::vector<char> padded(width * values.size(), '\0');
    for (std::size_t i = 0; i < values.size(); ++i) {
        std::copy(values[i].begin(), values[i].end(), padded.begin() + static_cast<std::ptrdiff_t>(i * width));
    }
    const TypeHandle type = text_type(width);
    put_raw(path, type.get(), {values.size()}, padded.data());
}

void Writer::put_rows(const DatasetHandle& dataset, hsize_t first, hsize_t count, hsize_t columns,
                      std::span<const float> values) {
    const Dims start{first, 0};
    const Dims extent{count, columns};
    const SpaceHandle target(H5Dget_space(dataset.get()));
    const SpaceHandle source(H5Screate_simple(2, extent.data(), nullptr));
    if (H5Sselect_hyperslab(target.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) < 0 ||
        H5Dwrite(dataset.get(), H5T_NATIVE_FLOAT, source.get(), target.get(), H5P_DEFAULT, values.data()) < 0) {
        fail("cannot write rows of an HDF5 dataset", std::to_string(first));
    }
    check_disk();
}

void Writer::copy_from(hid_t source, const std::string& source_path, const std::string& path) {
    if (H5Ocopy(source, source_path.c_str(), file_.get(), path.c_str(), H5P_DEFAULT, H5P_DEFAULT) < 0) {
        fail("cannot copy an HDF5 object", source_path);
    }
    check_disk();
}

std::uint64_t Writer::offset_of(const DatasetHandle& dataset) const { return H5Dget_offset(dataset.get()); }

std::vector<std::byte> Writer::finish() {
    if (H5Fflush(file_.get(), H5F_SCOPE_GLOBAL) < 0) fail("cannot finish an HDF5 file", "/");
    const ssize_t size = H5Fget_file_image(file_.get(), nullptr, 0);
    if (size <= 0) fail("cannot finish an HDF5 file", "/");
    std::vector<std::byte> image(static_cast<std::size_t>(size));
    if (H5Fget_file_image(file_.get(), image.data(), image.size()) != size) fail("cannot finish an HDF5 file", "/");
    file_.reset();
    return image;
}

void Writer::finish_file() {
    if (H5Fflush(file_.get(), H5F_SCOPE_GLOBAL) < 0) fail("cannot finish an HDF5 file", "/");
    file_.reset();
    check_disk();
}

}  // namespace fairsweep::h5
