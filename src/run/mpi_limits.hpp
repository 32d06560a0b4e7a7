#pragma once
/// Open MPI's calls that wait for all ranks, bounded: one rank that dies on the way would keep the others for ever.
#include <memory>

#include "mpi/link.hpp"
#include "mpi/session.hpp"

namespace fairsweep {

/// Collective. Ends the process with code 4 when MPI_Init takes longer than `limit_s`.
[[nodiscard]] std::unique_ptr<MpiSession> start_mpi(double limit_s);

/// Collective. Ends the process with code 0 when MPI_Finalize does not return: all work is done by then.
void finish_mpi(MpiSession& session);

/// Local. Waits a moment for the last messages to leave; a dead rank never takes its own.
void flush(Link& link);

/// Ends the process without MPI_Finalize and without destructors, whatever other threads do.
[[noreturn]] void end_process(int code);

}  // namespace fairsweep
