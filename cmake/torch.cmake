# Own imported targets for LibTorch from the torch wheel: TorchConfig.cmake demands a CUDA toolkit, and CPU use
# needs only libtorch_cpu and c10. The wheel's include folder holds fmt, protobuf and pybind11 headers that shadow
# the system's, so set-up makes torch-include, a folder of links to everything else (design D6).
set(FAIRSWEEP_TORCH_DEPS "${FAIRSWEEP_DEPS}" CACHE PATH "The same for LibTorch, where it is another one (scripts/setup --cuda)")
file(GLOB torch_site_packages "${FAIRSWEEP_TORCH_DEPS}/venv/lib/python3*/site-packages")
find_path(TORCH_INCLUDE_DIR torch/csrc/api/include/torch/torch.h PATHS "${FAIRSWEEP_TORCH_DEPS}/torch-include" NO_DEFAULT_PATH)
find_library(TORCH_CPU_LIBRARY torch_cpu PATHS "${torch_site_packages}/torch/lib" NO_DEFAULT_PATH)
find_library(C10_LIBRARY c10 PATHS "${torch_site_packages}/torch/lib" NO_DEFAULT_PATH)
if(NOT TORCH_INCLUDE_DIR OR NOT TORCH_CPU_LIBRARY OR NOT C10_LIBRARY)
  message(FATAL_ERROR "LibTorch was not found below ${FAIRSWEEP_TORCH_DEPS}.\nRun ./scripts/setup first (it installs the torch wheel there).")
endif()
file(GLOB TORCH_NVIDIA_LIBRARY_DIRS "${torch_site_packages}/nvidia/*/lib")
file(READ "${torch_site_packages}/torch/version.py" torch_version_text)
string(REGEX MATCH "__version__ = '([^']+)'" unused "${torch_version_text}")
set(TORCH_VERSION "${CMAKE_MATCH_1}")

add_library(fairsweep_torch INTERFACE)
target_include_directories(fairsweep_torch SYSTEM INTERFACE "${TORCH_INCLUDE_DIR}" "${TORCH_INCLUDE_DIR}/torch/csrc/api/include")
target_link_libraries(fairsweep_torch INTERFACE "${TORCH_CPU_LIBRARY}" "${C10_LIBRARY}")
target_link_options(fairsweep_torch INTERFACE "LINKER:--allow-shlib-undefined")
get_filename_component(torch_library_dir "${TORCH_CPU_LIBRARY}" DIRECTORY)
list(APPEND CMAKE_BUILD_RPATH "${torch_library_dir}" ${TORCH_NVIDIA_LIBRARY_DIRS})

# torch/torch.h costs 20-30 s a file, so it is compiled once, in fairsweep_torch_pch, and reused by every target that calls
# fairsweep_use_torch_headers(target). GCC takes a precompiled header only under the same flags (-f..., -m...,
# -Wpedantic; -O1 and -O3 share one): set other flags only on single files, together with SKIP_PRECOMPILE_HEADERS.
function(fairsweep_add_torch_pch)
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/torch_pch/torch_pch.cpp" CONTENT "// Carries the precompiled header of LibTorch.\n")
  add_library(fairsweep_torch_pch OBJECT "${CMAKE_BINARY_DIR}/torch_pch/torch_pch.cpp")
  target_link_libraries(fairsweep_torch_pch PRIVATE fairsweep_torch fairsweep_warnings)
  target_compile_options(fairsweep_torch_pch PRIVATE -fpch-preprocess)
  target_precompile_headers(fairsweep_torch_pch PRIVATE <torch/torch.h>)
  # The header itself (700 MB) stays out of ccache.
  set_target_properties(fairsweep_torch_pch PROPERTIES CXX_COMPILER_LAUNCHER "")
endfunction()

function(fairsweep_use_torch_headers target)
  # Made on first use, in a room's folder: the flags of rooms (sanitizers) are not set yet where this file is included.
  if(NOT TARGET fairsweep_torch_pch)
    fairsweep_add_torch_pch()
  endif()
  target_link_libraries(${target} PRIVATE fairsweep_torch)
  target_compile_options(${target} PRIVATE -fpch-preprocess)
  target_precompile_headers(${target} REUSE_FROM fairsweep_torch_pch)
  # What the header leaves to be instantiated g++ instantiates again at the end of every file (10 s, measured on an empty one): several
  # files are compiled as one.
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${FAIRSWEEP_UNITY_BUILD} UNITY_BUILD_BATCH_SIZE 5)
  if(CCACHE_PROGRAM)
    set_target_properties(${target} PROPERTIES
      CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;${CCACHE_PROGRAM}")
  endif()
endfunction()
