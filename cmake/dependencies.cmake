# Everything comes from Debian packages, but LibTorch, which scripts/setup puts below FAIRSWEEP_DEPS.
# MPI's C++ bindings are off: they need symbols of a library that is no longer shipped.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()
set(MPI_CXX_SKIP_MPICXX ON)
find_package(Threads REQUIRED)
find_package(MPI 3.1 REQUIRED COMPONENTS C)
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(PkgConfig REQUIRED)
pkg_check_modules(TURBOJPEG REQUIRED IMPORTED_TARGET libturbojpeg)
find_package(PNG REQUIRED)
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)

add_library(fairsweep_mpi_c INTERFACE)
target_link_libraries(fairsweep_mpi_c INTERFACE MPI::MPI_C)
target_compile_definitions(fairsweep_mpi_c INTERFACE OMPI_SKIP_MPICXX=1)

add_library(fairsweep_hdf5_c INTERFACE)
target_include_directories(fairsweep_hdf5_c SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(fairsweep_hdf5_c INTERFACE ${HDF5_C_LIBRARIES})

include(torch)
