#include "store/h5_file_driver.hpp"

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

#include <algorithm>
#include <new>

namespace fairsweep::h5 {
namespace {

/// What HDF5 holds of an open file: its own part first.
struct OpenFile {
    H5FD_t common{};
    DrivenFile* target = nullptr;
    haddr_t end_of_space = 0;
};

OpenFile& of(H5FD_t* file) { return *reinterpret_cast<OpenFile*>(file); }
const OpenFile& of(const H5FD_t* file) { return *reinterpret_cast<const OpenFile*>(file); }

H5FD_t* open_file(const char*, unsigned, hid_t access, haddr_t) {
    const auto* target = static_cast<DrivenFile* const*>(H5Pget_driver_info(access));
    if (target == nullptr) return nullptr;
    auto* file = new (std::nothrow) OpenFile;
    if (file != nullptr) file->target = *target;
    return reinterpret_cast<H5FD_t*>(file);
}

herr_t close_file(H5FD_t* file) {
    delete &of(file);
    return 0;
}

/// Places in the file are taken as the driver in memory does, so that both build the same bytes.
herr_t query(const H5FD_t*, unsigned long* flags) {
    if (flags != nullptr)
        *flags =
            H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

haddr_t end_of_space(const H5FD_t* file, H5FD_mem_t) { return of(file).end_of_space; }

herr_t set_end_of_space(H5FD_t* file, H5FD_mem_t, haddr_t end) {
    of(file).end_of_space = end;
    return 0;
}

haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t) { return of(file).target->size_bytes(); }

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t offset, std::size_t size, void* to) {
    try {
        of(file).target->read(offset, {static_cast<std::byte*>(to), size});
        return 0;
    } catch (...) {  // an error of the disk: HDF5 says that it cannot read
        return -1;
    }
}

herr_t write(H5FD_t* file, H5FD_mem_t kind, hid_t, haddr_t offset, std::size_t size, const void* from) {
    of(file).target->write(offset, {static_cast<const std::byte*>(from), size}, kind == H5FD_MEM_DRAW);
    return 0;
}

herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
    of(file).target->truncate(of(file).end_of_space);
    return 0;
}

hid_t driver() {
    static const H5FD_class_t description = [] {
        constexpr H5FD_mem_t kMap[] = H5FD_FLMAP_DICHOTOMY;
        H5FD_class_t d{};
#if H5_VERSION_GE(1, 13, 2)
        d.version = H5FD_CLASS_VERSION;
        d.value = H5_VFD_RESERVED + 97;  // any that a driver of one program may have
#endif
        d.name = "fairsweep_file";
        d.maxaddr = HADDR_MAX;
        d.fc_degree = H5F_CLOSE_WEAK;
        d.fapl_size = sizeof(DrivenFile*);
        d.open = open_file;
        d.close = close_file;
        d.query = query;
        d.get_eoa = end_of_space;
        d.set_eoa = set_end_of_space;
        d.get_eof = end_of_file;
        d.read = read;
        d.write = write;
        d.truncate = truncate;
        std::copy(std::begin(kMap), std::end(kMap), std::begin(d.fl_map));
        return d;
    }();
    static const hid_t id = H5FDregister(&description);
    return id;
}

}  // namespace

PropertiesHandle DrivenFile::access() {
    PropertiesHandle properties(H5Pcreate(H5P_FILE_ACCESS));
    DrivenFile* const self = this;
    if (H5Pset_driver(properties.get(), driver(), &self) < 0) properties.reset();
    return properties;
}

void DrivenFile::check() const {
    if (error_) std::rethrow_exception(error_);
}

void DrivenFile::read(std::uint64_t offset, std::span<std::byte> to) const {
    // HDF5 also reads where it has written nothing yet: zeros.
    const std::size_t got = file_->read_at(offset, to);
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(got), to.end(), std::byte{});
    for (const Unwritten& part : unwritten_) {
        const std::uint64_t begin = std::max(offset, part.offset);
        const std::uint64_t end = std::min(offset + to.size(), part.offset + part.bytes.size());
        if (begin < end) std::copy_n(part.bytes.data() + (begin - part.offset), end - begin, to.data() + (begin - offset));
    }
}

void DrivenFile::write(std::uint64_t offset, std::span<const std::byte> bytes, bool values) noexcept {
    size_bytes_ = std::max(size_bytes_, offset + bytes.size());
    if (!error_) {
        try {
            file_->write_at(offset, bytes);
            return;
        } catch (...) {
            error_ = std::current_exception();
        }
    }
    if (!values) unwritten_.push_back({offset, {bytes.begin(), bytes.end()}});
}

void DrivenFile::truncate(std::uint64_t size_bytes) noexcept {
    size_bytes_ = size_bytes;
    if (error_) return;
    try {
        file_->truncate(size_bytes);
    } catch (...) {
        error_ = std::current_exception();
    }
}

}  // namespace fairsweep::h5
