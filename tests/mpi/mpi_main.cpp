/// main of the tests that run under mpirun: MPI lives as long as the process; every rank's verdict reaches mpirun.
#define CATCH_CONFIG_RUNNER
#include <mpi.h>

#include <iostream>

#include "mpi_main.hpp"
#include "support/catch.hpp"

namespace {
fairsweep::MpiSession* the_session = nullptr;
}

fairsweep::MpiSession& session() { return *the_session; }

void barrier() { MPI_Barrier(MPI_COMM_WORLD); }

std::vector<int> gather(int own) {
    std::vector<int> all(static_cast<std::size_t>(session().size()));
    MPI_Allgather(&own, 1, MPI_INT, all.data(), 1, MPI_INT, MPI_COMM_WORLD);
    return all;
}

int main(int argc, char** argv) {
    fairsweep::MpiSession session;
    the_session = &session;
    const int failures = Catch::Session().run(argc, argv);
    if (failures != 0) std::cerr << "rank " << session.rank() << ": " << failures << " failed\n";
    session.finish();
    return failures == 0 ? 0 : 1;
}
