#pragma once
/// File operations whose failure must be told in one clear error, and which never leave half a file behind.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fairsweep/error.hpp"

namespace fairsweep {

/// What the operating system said about a file (no space, no such file, stale handle): it may be gone the next time. What a
/// file *holds* being wrong is a plain Error, and is as wrong the second time.
class SystemError : public Error {
public:
    using Error::Error;
};

/// An owned file descriptor. All functions throw Error (data kind for reads, infrastructure for writes).
class File {
public:
    File() = default;
    ~File();
    File(File&&) noexcept;
    File& operator=(File&&) noexcept;

    [[nodiscard]] static File open_for_reading(const std::filesystem::path& path);
    /// Creates or opens for reading and writing, without truncation.
    [[nodiscard]] static File open_for_update(const std::filesystem::path& path);
    /// Creates; an existing file is emptied. A symbolic link in its place is refused, never followed.
    [[nodiscard]] static File create(const std::filesystem::path& path);
    /// Creates a file that must not be there yet, nor a link of that name.
    [[nodiscard]] static File create_new(const std::filesystem::path& path);
    /// Creates or opens a file to lock. Refuses links and everything else that is not a plain file of one name: whoever may
    /// write to the folder could let it lead elsewhere.
    [[nodiscard]] static File open_for_locking(const std::filesystem::path& path);

    [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::uint64_t size_bytes() const;

    /// Reads up to buffer.size() bytes at the offset; returns how many there were.
    [[nodiscard]] std::size_t read_at(std::uint64_t offset, std::span<std::byte> buffer) const;
    /// Reads exactly buffer.size() bytes or throws, naming file and offset.
    void read_exactly_at(std::uint64_t offset, std::span<std::byte> buffer) const;
    void write_at(std::uint64_t offset, std::span<const std::byte> data);
    void append(std::span<const std::byte> data);
    void truncate(std::uint64_t size_bytes);
    void sync();   ///< fdatasync
    void close();  ///< throws when the last write-back failed
    /// Takes an exclusive advisory lock without waiting; false when another process has it. Throws an infrastructure error
    /// when the file system has no locks (NFS without its lock service, Lustre mounted without flock).
    [[nodiscard]] bool try_lock();

private:
    int descriptor_ = -1;
    std::filesystem::path path_;
};

/// When the file was last written, in seconds since 1970 by the file system's clock; 0 when there is no such file.
[[nodiscard]] double written_unix_s(const std::filesystem::path& path);
/// Whole file as text; refuses more than max_bytes.
[[nodiscard]] std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes = 256ULL << 20);
/// Writes beside, syncs, renames, syncs the folder: readers see the old file or the whole new one.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> data);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);
/// A name beside `path` for a file in the making, "<path>.tmp-<host>-<pid>-<random>": nobody can guess it and plant a link
/// there, and two containers with equal process ids do not meet.
[[nodiscard]] std::filesystem::path name_beside(const std::filesystem::path& path);
/// Removes files in the making whose makers are dead and whose names begin with `name_start`: those of this host whose
/// process is gone, and others that nobody has written to for ten minutes. Returns how many. For the owner of the folder's
/// store; never throws.
std::size_t remove_leftovers(const std::filesystem::path& folder, std::string_view name_start) noexcept;
void sync_folder(const std::filesystem::path& folder);
/// Creates the folder and its parents; one infrastructure error when that cannot be done or it cannot be written to.
void make_writable_folder(const std::filesystem::path& folder);

}  // namespace fairsweep
