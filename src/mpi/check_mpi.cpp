#include "mpi/check_mpi.hpp"

#include <mpi.h>

#include "fairsweep/error.hpp"

namespace fairsweep {

std::string mpi_error_text(int code) {
    char text[MPI_MAX_ERROR_STRING] = {};
    int length = 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) return "error " + std::to_string(code);
    return std::string(text, static_cast<std::size_t>(length)) + " (error " + std::to_string(code) + ")";
}

void check_mpi(int code, const char* call, int rank) {
    if (code == MPI_SUCCESS) return;
    throw_infrastructure({.attempted = std::string(call) + " failed",
                          .where = "rank " + std::to_string(rank),
                          .found = mpi_error_text(code),
                          .hint = "run the same command again: the sweep resumes where it stopped"});
}

}  // namespace fairsweep
