#pragma once
/// What a return code of MPI says. With MPI_ERRORS_RETURN (session.cpp) every call has one.
#include <string>

namespace fairsweep {

[[nodiscard]] std::string mpi_error_text(int code);
/// Throws an infrastructure error that names call and rank, unless the code is MPI_SUCCESS.
void check_mpi(int code, const char* call, int rank);

}  // namespace fairsweep
