#include "fairsweep/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include "fairsweep/new_file.hpp"
#include "fairsweep/process.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void write_failed(const char* attempted, const fs::path& path, int error_number) {
    std::string hint;
    if (error_number == ENOSPC || error_number == EDQUOT)
        hint = "free some space there, then run the same command again (stages of a sweep that failed: with --only failed,lost)";
    if (error_number == EACCES || error_number == EROFS || error_number == EPERM) hint = "choose a folder you may write to";
    if (error_number == ELOOP) hint = "a symbolic link has this name: remove it, it may lead to somebody else's file";
    throw SystemError(ErrorKind::infrastructure,
                      {.attempted = attempted, .where = path.string(), .found = describe_errno(error_number), .hint = hint});
}

[[noreturn]] void read_failed(const fs::path& path, int error_number) {
    throw SystemError(ErrorKind::data,
                      {.attempted = "cannot read a file", .where = path.string(), .found = describe_errno(error_number)});
}

/// What flock says on a file system that has no locks; 524 is the kernel's own ENOTSUPP, which network file systems let out.
bool means_no_locks(int error_number) {
    constexpr int kKernelNotSupported = 524;
    return error_number == ENOLCK || error_number == EOPNOTSUPP || error_number == ENOSYS || error_number == kKernelNotSupported;
}

[[noreturn]] void lock_failed(const fs::path& path, int error_number) {
    const bool no_locks = means_no_locks(error_number);
    throw SystemError(
        ErrorKind::infrastructure,
        {.attempted = no_locks ? "this file system has no locks" : "cannot lock a file",
         .where = path.string(),
         .found = describe_errno(error_number),
         .expected = "an advisory lock (flock), so that no second run writes to the same store",
         .hint = no_locks ? "put the store on a local disk, or on a file system with locks: NFS with its lock service or mounted "
                            "with local_lock=flock (one machine only), Lustre mounted with -o flock; a store may be copied "
                            "while no run is at work: all its files, sweep.h5 and sweep.h5.*"
                          : ""});
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
    file.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file.descriptor_ < 0) write_failed("cannot create a file", path, errno);
    return file;
}

File File::create_new(const fs::path& path) {
    File file;
    file.path_ = path;
    file.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file.descriptor_ < 0) write_failed("cannot create a file", path, errno);
    return file;
}

File File::open_for_locking(const fs::path& path) {
    File file;
    file.path_ = path;
    // O_NONBLOCK: a planted pipe must not keep us waiting.
    file.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
    if (file.descriptor_ < 0) write_failed("cannot open a lock file", path, errno);
    struct stat status {};
    if (::fstat(file.descriptor_, &status) != 0) write_failed("cannot open a lock file", path, errno);
    if (!S_ISREG(status.st_mode) || status.st_nlink > 1) {
        throw_infrastructure({.attempted = "cannot use a lock file",
                              .where = path.string(),
                              .found = S_ISREG(status.st_mode) ? "a file that has another name too" : "no plain file",
                              .expected = "a plain file of its own",
                              .hint = "remove it, or choose a folder that only you can write to"});
    }
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

bool File::try_lock() {
    while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return false;
        if (errno != EINTR) lock_failed(path_, errno);
    }
    return true;
}

double written_unix_s(const fs::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return 0.0;
    return static_cast<double>(status.st_mtim.tv_sec) + 1e-9 * static_cast<double>(status.st_mtim.tv_nsec);
}

std::string read_text_file(const fs::path& path, std::uint64_t max_bytes) {
    const File file = File::open_for_reading(path);
    const std::uint64_t size = file.size_bytes();
    if (size > max_bytes) {
        throw_data({.attempted = "cannot read a text file",
                    .where = path.string(),
                    .found = fmt::format("{} bytes", size),
                    .expected = fmt::format("at most {} bytes", max_bytes)});
    }
    std::string text(size, '\0');
    file.read_exactly_at(0, std::as_writable_bytes(std::span(text.data(), text.size())));
    return text;
}

NewFile::NewFile(fs::path path) : path_(std::move(path)), beside_(name_beside(path_)), file_(File::create_new(beside_)) {}

NewFile::~NewFile() {
    if (!beside_.empty()) ::unlink(beside_.c_str());
}

void NewFile::take_place() {
    file_.sync();
    file_.close();
    if (::rename(beside_.c_str(), path_.c_str()) != 0) write_failed("cannot rename a finished file into place", path_, errno);
    beside_.clear();
    sync_folder(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> data) {
    NewFile made(path);
    made.file().write_at(0, data);
    made.take_place();
}

void write_file_atomically(const fs::path& path, std::string_view text) { write_file_atomically(path, as_bytes(text)); }

// --- files in the making --------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kInTheMaking = ".tmp-";
/// A file in the making of another host, or of an older version, that was not written to for so long has no maker.
constexpr std::chrono::minutes kForsaken{10};

std::string random_word() {
    std::uint64_t value = 0;
    if (::getrandom(&value, sizeof value, 0) != sizeof value) write_failed("cannot draw a random name", {}, errno);
    return fmt::format("{:016x}", value);
}

/// The host's name as part of a file's name.
std::string host_word() {
    std::string word = host_name().substr(0, 64);
    std::replace_if(
        word.begin(), word.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '_' && c != '-'; }, '_');
    return word;
}

/// The process of this host that a name in the making names; nothing for another host's, or an older version's.
std::optional<std::uint32_t> maker_on_this_host(std::string_view name) {
    name.remove_prefix(name.rfind(kInTheMaking) + kInTheMaking.size());
    const std::string host = host_word() + "-";
    if (!name.starts_with(host)) return std::nullopt;
    name.remove_prefix(host.size());
    std::uint32_t pid = 0;
    const auto end = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (end.ec != std::errc{} || end.ptr == name.data() + name.size() || *end.ptr != '-') return std::nullopt;
    return pid;
}

bool has_no_maker(const fs::directory_entry& entry) {
    if (const auto pid = maker_on_this_host(entry.path().filename().string())) return !process_is_alive(*pid);
    std::error_code error;
    const auto written = entry.last_write_time(error);
    return !error && fs::file_time_type::clock::now() - written > kForsaken;
}

}  // namespace

fs::path name_beside(const fs::path& path) {
    return path.string() + fmt::format("{}{}-{}-{}", kInTheMaking, host_word(), process_id(), random_word());
}

std::size_t remove_leftovers(const fs::path& folder, std::string_view name_start) noexcept {
    std::size_t removed = 0;
    try {
        std::error_code error;
        for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
            const std::string name = entry.path().filename().string();
            if (!name.starts_with(name_start) || name.find(kInTheMaking) == std::string::npos) continue;
            if (entry.symlink_status(error).type() != fs::file_type::regular || !has_no_maker(entry)) continue;
            if (fs::remove(entry.path(), error)) ++removed;
        }
    } catch (...) {  // what cannot be looked at stays: it costs space only
    }
    return removed;
}

void remove_leftovers_of(const fs::path& path) noexcept {
    try {
        static_cast<void>(remove_leftovers(path.has_parent_path() ? path.parent_path() : fs::path("."),
                                           path.filename().string() + std::string(kInTheMaking)));
    } catch (...) {  // they cost space only
    }
}

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
    const fs::path probe = name_beside(folder / ".fairsweep-probe");
    const int descriptor = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0) write_failed("cannot write into a folder", folder, errno);
    ::close(descriptor);
    ::unlink(probe.c_str());
}

}  // namespace fairsweep
