#include "store/store_lock.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <string>
#include <thread>

#include "fairsweep/error.hpp"
#include "fairsweep/process.hpp"
#include "store/store.hpp"

namespace fairsweep {
namespace {

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
    // store_owner() holds a shared lock for an instant; an owner that starts just then must not be turned away.
    constexpr int kTries = 20;
    constexpr std::chrono::milliseconds kPause{25};
    for (int attempt = 1;; ++attempt) {
        const bool was_there = std::filesystem::exists(lock_path);
        File file = File::open_for_locking(lock_path);
        bool is_locked = false;
        try {
            is_locked = file.try_lock();
        } catch (...) {
            if (!was_there) ::unlink(lock_path.c_str());
            throw;
        }
        if (is_locked) {
            if (!is_same_file(file, lock_path)) continue;
            const std::string text = fmt::format("pid {} on {} since {:%Y-%m-%d %H:%M:%S} UTC\n", process_id(), host_name(),
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

StoreOwner store_owner(const std::filesystem::path& store) {
    const int descriptor = ::open(lock_path(store).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) return errno == ENOENT ? StoreOwner::none : StoreOwner::unknown;
    const bool is_free = ::flock(descriptor, LOCK_SH | LOCK_NB) == 0;
    const int error_number = errno;
    ::close(descriptor);  // releases
    if (is_free) return StoreOwner::none;
    return error_number == EWOULDBLOCK ? StoreOwner::at_work : StoreOwner::unknown;
}

}  // namespace fairsweep
