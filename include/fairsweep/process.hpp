#pragma once
/// Which process this is, and whether another one lives.
#include <cstdint>
#include <string>

namespace fairsweep {

[[nodiscard]] std::string host_name();  ///< "unknown" when the system does not say
[[nodiscard]] std::uint32_t process_id();
[[nodiscard]] bool process_is_alive(std::uint32_t pid);  ///< on this host

}  // namespace fairsweep
