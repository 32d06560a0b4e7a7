#include "store/store_lock.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>
#include <string>
#include <thread>

#include "fairsweep/error.hpp"
#include "store/store.hpp"

namespace fairsweep {
namespace {

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("unknown");
}

std::string read_owner(const File& file) {
    std::array<char, 512> text{};
    const std::size_t size = file.read_at(0, std::as_writable_bytes(std::span(text)));
    std::string owner(text.data(), size);
    while (!owner.empty() && owner.back() == '\n') owner.pop_back();
    return owner.empty() ? "unknown (it has just started)" : owner;
}

/// True when the path still leads to the file that is open: a failed creation removes its lock file.
bool is_same_file(const File& file, const std::filesystem::path& path) {
    struct stat open_status {};
    struct stat path_status {};
    return ::fstat(file.descriptor(), &open_status) == 0 && ::stat(path.c_str(), &path_status) == 0 &&
           open_status.st_ino == path_status.st_ino && open_status.st_dev == path_status.st_dev;
}

}  // namespace

File take_store_lock(const std::filesystem::path& lock_path) {
    // store_is_owned() holds a shared lock for an instant; an owner that starts just then must not be turned away.
    constexpr int kTries = 20;
    constexpr std::chrono::milliseconds kPause{25};
    for (int attempt = 1;; ++attempt) {
        File file = File::open_for_update(lock_path);
        if (file.try_lock()) {
            if (!is_same_file(file, lock_path)) continue;
            const std::string text = fmt::format("pid {} on {} since {:%Y-%m-%d %H:%M:%S} UTC\n", ::getpid(), host_name(),
                                                 fmt::gmtime(std::time(nullptr)));
            try {
                file.truncate(0);
                file.write_at(0, std::as_bytes(std::span(text.data(), text.size())));
            } catch (...) {
                ::unlink(lock_path.c_str());  // a full disk: leave nothing behind
                throw;
            }
            return file;
        }
        if (attempt >= kTries) {
            throw_infrastructure({.attempted = "the store is in use by another run",
                                  .where = lock_path.string(),
                                  .found = "owner: " + read_owner(file),
                                  .expected = "no owner",
                                  .hint = "wait for it or stop it; `fairsweep status` shows what it does"});
        }
        std::this_thread::sleep_for(kPause);
    }
}

bool store_is_owned(const std::filesystem::path& store) {
    const int descriptor = ::open(lock_path(store).c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    const bool is_free = ::flock(descriptor, LOCK_SH | LOCK_NB) == 0;
    ::close(descriptor);  // releases
    return !is_free;
}

}  // namespace fairsweep
