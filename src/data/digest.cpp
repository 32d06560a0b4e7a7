#include "data/digest.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "data/damage.hpp"
#include "data/formats.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 4 << 20;
constexpr std::chrono::seconds kBetweenReports{5};
/// Files that changed so shortly before they were read may change again within one tick of the file system's clock, unseen.
constexpr std::int64_t kSettled_ns = 2'000'000'000;

/// Every value is preceded by its size, so that different sets never give the same stream of bytes.
class SizedHash {
public:
    void number(std::uint64_t value) { hash_.update(std::as_bytes(std::span(&value, 1))); }
    void text(std::string_view value) {
        number(value.size());
        hash_.update(value);
    }
    [[nodiscard]] Digest finish() { return hash_.finish(); }

private:
    Sha256 hash_;
};

/// What the file system says of a set's files.
struct SetState {
    Digest fingerprint;
    std::uint64_t bytes = 0;
    std::int64_t newest_ns = 0;
};

SetState state_of(const SetFiles& set) {
    SizedHash hash;
    SetState state;
    hash.text(set.tag);
    for (std::size_t file = 0; file < set.names.size(); ++file) {
        const fs::path path = set.path(file);
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) {
            throw_damaged({.file = path, .offset = {}, .line = {}},
                          {.attempted = "cannot look at a file of a data set", .found = describe_errno(errno)});
        }
        const std::int64_t changed_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
        hash.text(set.names[file]);
        for (const std::uint64_t value : {static_cast<std::uint64_t>(status.st_size), static_cast<std::uint64_t>(changed_ns),
                                          static_cast<std::uint64_t>(status.st_ino)})
            hash.number(value);
        state.bytes += static_cast<std::uint64_t>(status.st_size);
        state.newest_ns = std::max(state.newest_ns, changed_ns);
    }
    state.fingerprint = hash.finish();
    return state;
}

/// Tells how far the reading of a large set is.
class ReadingReport {
public:
    ReadingReport(const DataSource& source, std::uint64_t bytes) : name_(source.name), bytes_(bytes) {}
    void add(std::uint64_t bytes) {
        done_ += bytes;
        const auto now = Clock::now();
        if (now < next_) return;
        next_ = now + kBetweenReports;
        log_info(fmt::format("data set {}: every byte is read once for its identity: {} of {}", name_, human_bytes(done_),
                             human_bytes(bytes_)));
    }

private:
    std::string name_;
    std::uint64_t bytes_;
    std::uint64_t done_ = 0;
    Clock::time_point next_ = Clock::now() + kBetweenReports;
};

/// SHA-256 of a file's bytes; files of many gigabytes are read in pieces.
Digest hash_file(const fs::path& path, std::vector<std::byte>& buffer, std::uint64_t& bytes_read, ReadingReport& report) {
    const File file = File::open_for_reading(path);
    ::posix_fadvise(file.descriptor(), 0, 0, POSIX_FADV_SEQUENTIAL);
    Sha256 hash;
    for (std::uint64_t offset = 0;;) {
        const std::size_t got = file.read_at(offset, buffer);
        if (got == 0) return hash.finish();
        hash.update(std::span(buffer.data(), got));
        offset += got;
        bytes_read += got;
        report.add(got);
    }
}

DataSetHash read_whole(const DataSource& source, const SetFiles& set, const SetState& before) {
    ReadingReport report(source, before.bytes);
    std::vector<std::byte> buffer(kReadBytes);
    SizedHash hash;
    DataSetHash result;
    hash.text(set.tag);
    hash.number(set.names.size());
    for (std::size_t file = 0; file < set.names.size(); ++file) {
        hash.text(set.names[file]);
        hash.text(hash_file(set.path(file), buffer, result.bytes_read, report).hex());
    }
    result.digest = hash.finish();
    if (state_of(set).fingerprint == before.fingerprint) return result;
    throw_data({.attempted = "cannot tell the identity of data set " + source.name,
                .where = source.path.string(),
                .found = "files that changed while they were read",
                .expected = "a set that stays as it is",
                .hint = "run the command again when the set is complete"});
}

/// Two digests and a checksum of them, one a line.
std::string kept_text(const Digest& fingerprint, const Digest& digest) {
    const std::string lines = fingerprint.hex() + "\n" + digest.hex() + "\n";
    return lines + sha256(lines).hex() + "\n";
}

std::optional<Digest> kept_digest(const fs::path& path, const Digest& fingerprint) {
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) return std::nullopt;
    try {
        const std::string text = read_text_file(path, 4096);
        const std::vector<std::string> lines = split(text, '\n');
        if (lines.size() < 3) return std::nullopt;
        const Digest digest = Digest::from_hex(lines[1]);
        return text == kept_text(fingerprint, digest) ? std::optional(digest) : std::nullopt;
    } catch (const Error&) {  // it is only kept to save time
        return std::nullopt;
    }
}

fs::path kept_path(const fs::path& folder, const SetFiles& set, const DataSource& source) {
    std::error_code ignored;
    const fs::path place = fs::weakly_canonical(source.path, ignored);
    return folder / (sha256(set.tag + "\n" + place.string()).hex().substr(0, 32) + ".txt");
}

void keep(const fs::path& path, const Digest& fingerprint, const Digest& digest) {
    try {
        make_writable_folder(path.parent_path());
        write_file_atomically(path, kept_text(fingerprint, digest));
    } catch (const Error& error) {
        log_warning(
            fmt::format("the identity of a data set cannot be kept, so that every start reads the set anew: {}", error.what()));
    }
}

bool is_settled(const SetState& state) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() - state.newest_ns > kSettled_ns;
}

}  // namespace

fs::path data_set_cache_folder() {
    const char* cache = std::getenv("XDG_CACHE_HOME");
    const char* home = std::getenv("HOME");
    const auto is_set = [](const char* value) { return value != nullptr && *value != '\0'; };
    if (is_set(cache)) return fs::path(cache) / "fairsweep" / "data-sets";
    if (is_set(home)) return fs::path(home) / ".cache" / "fairsweep" / "data-sets";
    return {};
}

DataSetHash hash_data_set(const DataSource& source, const fs::path& cache_folder) {
    const DataFormat& format = format_of(source);
    const SetFiles set = format.files(source);
    const SetState state = state_of(set);
    const bool may_keep = !cache_folder.empty() && is_settled(state);
    const fs::path kept = cache_folder.empty() ? fs::path() : kept_path(cache_folder, set, source);
    if (!cache_folder.empty()) {
        if (const auto digest = kept_digest(kept, state.fingerprint)) return {*digest, 0};
    }
    if (format.check != nullptr) format.check(source);
    const DataSetHash hash = read_whole(source, set, state);
    if (may_keep) keep(kept, state.fingerprint, hash.digest);
    return hash;
}

Digest data_set_digest(const DataSource& source) { return hash_data_set(source, data_set_cache_folder()).digest; }

}  // namespace fairsweep
