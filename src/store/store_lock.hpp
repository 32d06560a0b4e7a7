#pragma once
/// Who owns a store: an advisory lock on "<store>.lock", which the kernel takes back when its holder dies. The file's text
/// (pid, host, since) is for people; it stays behind and means nothing without the lock.
#include <filesystem>

#include "fairsweep/files.hpp"

namespace fairsweep {

/// Takes the lock or throws an infrastructure error that names the owner. The lock lasts as long as the File is open.
[[nodiscard]] File take_store_lock(const std::filesystem::path& lock_path);

}  // namespace fairsweep
