#include "fairsweep/process.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <limits>

namespace fairsweep {

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("unknown");
}

std::uint32_t process_id() { return static_cast<std::uint32_t>(::getpid()); }

bool process_is_alive(std::uint32_t pid) {
    if (pid == 0 || pid > static_cast<std::uint32_t>(std::numeric_limits<pid_t>::max())) return false;
    return ::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

}  // namespace fairsweep
