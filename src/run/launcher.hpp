#pragma once
/// Starts the ranks under mpirun, in a process group of its own, and looks after them. Ctrl-C and TERM do not reach mpirun
/// (which would kill the ranks within a second): this process catches them and sends USR2, which mpirun forwards and lets
/// ranks drain. What mpirun returns says nothing about success.
#include <functional>
#include <string>
#include <vector>

namespace fairsweep {

struct LaunchRequest {
    std::vector<std::string> command;  ///< program and words, the same for every rank
    int ranks = 0;
    int threads_per_rank = 1;
    std::string mark;  ///< value of kLaunchedVariable
};

/// Blocks until mpirun has ended. `each_round` is called about ten times a second; from the round on in which it returns true
/// all ranks are ended by force (TERM, then KILL), and nobody waits for one that not even KILL ends. Throws an infrastructure
/// error when mpirun cannot be started. catch_stop_signals() must have been called.
void run_under_mpirun(const LaunchRequest& request, const std::function<bool()>& each_round);

/// Set in the environment of ranks that this launcher started: their parent talks to people and decides the exit code. The value
/// is the SHA-256 of the plan that it has handed over (run/plan_handover.hpp).
inline constexpr const char* kLaunchedVariable = "FAIRSWEEP_LAUNCHED";

}  // namespace fairsweep
