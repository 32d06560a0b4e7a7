#pragma once
#include "mpi/session.hpp"

/// The session of this rank; made by main.
fairsweep::MpiSession& session();

/// Collective. Waits for all ranks.
void barrier();
