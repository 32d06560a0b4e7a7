#pragma once
#include <vector>

#include "mpi/session.hpp"

/// The session of this rank; made by main.
fairsweep::MpiSession& session();

/// Collective. Waits for all ranks.
void barrier();

/// Collective. The number of every rank.
std::vector<int> gather(int own);
