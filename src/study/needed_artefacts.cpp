#include "study/needed_artefacts.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <system_error>

#include "fairsweep/error.hpp"
#include "study/stage_context.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGoOn = "to make it again: the same fairsweep run with --only failed,lost";

fs::path aside(const fs::path& path) { return path.string() + ".damaged"; }

std::string gone(const std::string& stage, const fs::path& path) {
    return fmt::format("the file of {} that this stage needs is gone: {}; {}{}", stage, path.string(),
                       fs::exists(aside(path)) ? "it was not what its row says, and lies beside as *.damaged; " : "", kGoOn);
}

std::string changed(const std::string& stage, const fs::path& path, const Digest& found, const Digest& expected) {
    std::error_code error;
    fs::rename(path, aside(path), error);
    return fmt::format(
        "the file of {} that this stage needs is not what its row says: {} has SHA-256 {}, expected {}: it was "
        "damaged, changed, or written again by a worker that was taken for lost; {}; {}",
        stage, path.string(), found.short_hex(), expected.short_hex(),
        error ? "delete it" : "it was moved to " + aside(path).filename().string(), kGoOn);
}

}  // namespace

Digest NeededArtefacts::digest_of(const fs::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return sha256_of_file(path);  // throws with the reason
    const Hashed now{static_cast<std::uint64_t>(status.st_size),
                     std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
                     static_cast<std::uint64_t>(status.st_ino),
                     {}};
    Hashed& known = hashed_[path];
    const bool same = known.size_bytes == now.size_bytes && known.changed_ns == now.changed_ns && known.inode == now.inode;
    if (!same || known.digest.is_zero()) {
        known = now;
        known.digest = sha256_of_file(path);
    }
    return known.digest;
}

std::optional<std::string> NeededArtefacts::problem(const std::vector<Need>& needs) {
    for (const Need& need : needs) {
        if (need.sha256.is_zero()) continue;
        const fs::path path = artefact_path(folder_, need.kind, need.id);
        const std::string name = fmt::format("{} {}", name_of(need.kind), need.id.short_hex());
        if (!fs::exists(path)) return gone(name, path);
        const Digest found = digest_of(path);
        if (found != need.sha256) return changed(name, path, found, need.sha256);
    }
    return std::nullopt;
}

}  // namespace fairsweep
