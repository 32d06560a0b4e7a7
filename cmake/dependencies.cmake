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

# Debian's libonnx ships no CMake file; these definitions are those it was built with.
find_path(ONNX_INCLUDE_DIR onnx/onnx_pb.h REQUIRED)
find_library(ONNX_LIBRARY onnx REQUIRED)
find_library(ONNX_PROTO_LIBRARY onnx_proto REQUIRED)
pkg_check_modules(PROTOBUF REQUIRED IMPORTED_TARGET protobuf)
add_library(fairsweep_onnx INTERFACE)
target_include_directories(fairsweep_onnx SYSTEM INTERFACE "${ONNX_INCLUDE_DIR}")
target_compile_definitions(fairsweep_onnx INTERFACE ONNX_NAMESPACE=onnx ONNX_ML=1)
target_link_libraries(fairsweep_onnx INTERFACE "${ONNX_LIBRARY}" "${ONNX_PROTO_LIBRARY}" PkgConfig::PROTOBUF)

add_library(fairsweep_mpi_c INTERFACE)
target_link_libraries(fairsweep_mpi_c INTERFACE MPI::MPI_C)
target_compile_definitions(fairsweep_mpi_c INTERFACE OMPI_SKIP_MPICXX=1)

add_library(fairsweep_hdf5_c INTERFACE)
target_include_directories(fairsweep_hdf5_c SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(fairsweep_hdf5_c INTERFACE ${HDF5_C_LIBRARIES})

include(torch)
