#include "fairsweep/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void write_failed(const char* attempted, const fs::path& path, int error_number) {
    std::string hint;
    if (error_number == ENOSPC || error_number == EDQUOT) hint = "free some space there and run the same command again";
    if (error_number == EACCES || error_number == EROFS || error_number == EPERM) hint = "choose a folder you may write to";
    throw_infrastructure(
        {.attempted = attempted, .where = path.string(), .found = describe_errno(error_number), .expected = {}, .hint = hint});
}

[[noreturn]] void read_failed(const fs::path& path, int error_number) {
    throw_data({.attempted = "cannot read a file",
                .where = path.string(),
                .found = describe_errno(error_number),
                .expected = {},
                .hint = {}});
}

std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

}  // namespace

File::~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(path_, other.path_);
    return *this;
}

File File::open_for_reading(const fs::path& path) {
    File file;
    file.path_ = path;
    file.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file.descriptor_ < 0) read_failed(path, errno);
    struct stat status {};
    if (::fstat(file.descriptor_, &status) == 0 && S_ISDIR(status.st_mode)) read_failed(path, EISDIR);
    return file;
}

File File::open_for_update(const fs::path& path) {
    File file;
    file.path_ = path;
    file.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file.descriptor_ < 0) write_failed("cannot open a file for writing", path, errno);
    return file;
}

File File::create(const fs::path& path) {
    File file;
    file.path_ = path;
    file.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file.descriptor_ < 0) write_failed("cannot create a file", path, errno);
    return file;
}

std::uint64_t File::size_bytes() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) read_failed(path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
}

std::size_t File::read_at(std::uint64_t offset, std::span<std::byte> buffer) const {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const ssize_t got = ::pread(descriptor_, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) read_failed(path_, errno);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

void File::read_exactly_at(std::uint64_t offset, std::span<std::byte> buffer) const {
    const std::size_t got = read_at(offset, buffer);
    if (got == buffer.size()) return;
    throw_data({.attempted = "cannot read a file to the end of a field",
                .where = fmt::format("{}, offset {}", path_.string(), offset),
                .found = fmt::format("{} bytes", got),
                .expected = fmt::format("{} bytes", buffer.size()),
                .hint = "the file is truncated: copy or download it again"});
}

void File::write_at(std::uint64_t offset, std::span<const std::byte> data) {
    std::size_t done = 0;
    while (done < data.size()) {
        const ssize_t put = ::pwrite(descriptor_, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) write_failed("cannot write to a file", path_, errno);
        done += static_cast<std::size_t>(put);
    }
}

void File::append(std::span<const std::byte> data) { write_at(size_bytes(), data); }

void File::truncate(std::uint64_t size) {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) write_failed("cannot cut a file", path_, errno);
}

void File::sync() {
    if (::fdatasync(descriptor_) != 0) write_failed("cannot sync a file to disk", path_, errno);
}

void File::close() {
    const int descriptor = std::exchange(descriptor_, -1);
    if (descriptor >= 0 && ::close(descriptor) != 0) write_failed("cannot close a file", path_, errno);
}

bool File::try_lock() { return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0; }

std::string read_text_file(const fs::path& path, std::uint64_t max_bytes) {
    const File file = File::open_for_reading(path);
    const std::uint64_t size = file.size_bytes();
    if (size > max_bytes) {
        throw_data({.attempted = "cannot read a text file",
                    .where = path.string(),
                    .found = fmt::format("{} bytes", size),
                    .expected = fmt::format("at most {} bytes", max_bytes),
                    .hint = {}});
    }
    std::string text(size, '\0');
    file.read_exactly_at(0, std::as_writable_bytes(std::span(text.data(), text.size())));
    return text;
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> data) {
    const fs::path beside = path.string() + fmt::format(".tmp-{}", ::getpid());
    try {
        File file = File::create(beside);
        file.write_at(0, data);
        file.sync();
        file.close();
        if (::rename(beside.c_str(), path.c_str()) != 0) write_failed("cannot rename a finished file into place", path, errno);
    } catch (...) {
        ::unlink(beside.c_str());
        throw;
    }
    sync_folder(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

void write_file_atomically(const fs::path& path, std::string_view text) { write_file_atomically(path, as_bytes(text)); }

void sync_folder(const fs::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) write_failed("cannot sync a folder", folder, errno);
    const int status = ::fsync(descriptor);
    const int error_number = errno;
    ::close(descriptor);
    // Some file systems cannot sync folders and say EINVAL; their renames are ordered anyway.
    if (status != 0 && error_number != EINVAL) write_failed("cannot sync a folder", folder, error_number);
}

void make_writable_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) write_failed("cannot create a folder", folder, error.value());
    const fs::path probe = folder / fmt::format(".fairsweep-probe-{}", ::getpid());
    const int descriptor = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) write_failed("cannot write into a folder", folder, errno);
    ::close(descriptor);
    ::unlink(probe.c_str());
}

}  // namespace fairsweep
