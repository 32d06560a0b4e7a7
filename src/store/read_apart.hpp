#pragma once
/// HDF5 files of others are read in a process of their own. HDF5 1.10 crashes on some damaged files and runs for ever on
/// others; there is no telling which before. So this program starts itself again as `PROGRAM read-hdf5 WHAT FILE`; that
/// process reads the file and sends what it found, checked, through a pipe. A crash or a loop ends it alone and becomes one
/// error here. A new process, not a mere fork: this one may have threads, and a fork of such a process may only exec.
/// Files that fairsweep sealed need none of this: their bytes are known to be what was written.
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace fairsweep {

/// First word of the hidden command.
inline constexpr const char* kReadApartWord = "read-hdf5";

/// The side of the process that was started: what it found, field by field. Throws when the other side has stopped listening.
class ApartWriter {
public:
    explicit ApartWriter(int descriptor) : descriptor_(descriptor) {}
    void begin_answer() const;  ///< first of all, when everything was read: from here on there can be no error
    void bytes(std::span<const std::byte> data) const;
    void number(std::uint64_t value) const { bytes(std::as_bytes(std::span(&value, 1))); }
    void text(const std::string& value) const;

private:
    int descriptor_;
};

/// Runs `send` in the started process and returns its exit code: an Error that it throws before begin_answer() travels as
/// such. Writes to standard output.
[[nodiscard]] int answer_apart(const std::function<void(const ApartWriter&)>& send);
/// The hidden command: `words` are what follows kReadApartWord.
[[nodiscard]] int read_apart_command(const std::vector<std::string>& words);

/// The asking side. Throws a data error naming the file when the process crashed or did not end within its time, and the
/// error that it sent when it sent one.
class ApartReader {
public:
    ApartReader(const std::string& what, const std::filesystem::path& path, double limit_s);
    ~ApartReader();
    ApartReader(const ApartReader&) = delete;
    ApartReader& operator=(const ApartReader&) = delete;

    void bytes(std::span<std::byte> to);
    [[nodiscard]] std::uint64_t number();
    /// A number that must not be larger than `most`: checked before memory is taken for that number.
    [[nodiscard]] std::uint64_t count(std::uint64_t most);
    [[nodiscard]] std::string text();
    void finish();  ///< nothing more is sent, and the process ended well

private:
    void start(const std::string& what);
    void throw_sent_error();
    [[nodiscard]] std::size_t read_some(std::span<std::byte> to);
    [[noreturn]] void ended_early();
    [[noreturn]] void too_late();
    [[nodiscard]] int wait_for_end();

    std::filesystem::path path_;
    double limit_s_;
    double until_s_;
    pid_t child_ = -1;
    int descriptor_ = -1;
};

/// Time that reading a file may take: a fixed part, and one by its size at the speed of a slow disk.
[[nodiscard]] double time_limit_s(const std::filesystem::path& path);

}  // namespace fairsweep
