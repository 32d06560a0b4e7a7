#pragma once
/// What an error means for the stage in which it was thrown, and for the program's exit: one rule each.
#include "fairsweep/error.hpp"
#include "fairsweep/outcome.hpp"

namespace fairsweep {

/// io: what the system said about a file, or any trouble with disk, memory, MPI; it is tried again after a wait.
/// config: job, options or what a file holds are wrong, and as wrong the second time.
/// internal: a broken promise of ours.
[[nodiscard]] FailureClass failure_class_of(const Error& error);

/// The exit code of the contract, for commands that give each kind its own.
[[nodiscard]] int exit_code_of(ErrorKind kind);

/// The class in words for people: "job or data are wrong" for config.
[[nodiscard]] const char* words_of(FailureClass failure);

}  // namespace fairsweep
