# fairsweep_test(NAME x SOURCES ... LINKS ... LABEL unit|component|numeric|e2e [TIMEOUT_S n] [RANKS 1 2 4])
# One program of Catch2 cases, one ctest entry (times the rank counts), its own temporary folder in FAIRSWEEP_TEST_TMP.
find_package(Catch2 REQUIRED)
add_library(fairsweep_catch_main STATIC "${CMAKE_SOURCE_DIR}/tests/support/catch_main.cpp")
target_include_directories(fairsweep_catch_main PUBLIC "${CMAKE_SOURCE_DIR}/tests")
target_compile_definitions(fairsweep_catch_main PUBLIC FAIRSWEEP_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
target_link_libraries(fairsweep_catch_main PUBLIC Catch2::Catch2)

# Undefined behaviour ends a test. Open MPI and its plugins keep memory until the process ends: leaks are looked for where there is no MPI.
# Identities of data sets that tests make are kept with the build, not in the user's cache.
set(fairsweep_cache_environment ";XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/tests/cache")
set(fairsweep_sanitizer_environment "${fairsweep_cache_environment}")
set(fairsweep_mpi_environment "${fairsweep_cache_environment}")
if(FAIRSWEEP_SANITIZE)
  set(fairsweep_sanitizer_environment "${fairsweep_cache_environment};UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1")
  set(fairsweep_mpi_environment "${fairsweep_sanitizer_environment};ASAN_OPTIONS=detect_leaks=0")
endif()

function(fairsweep_test)
  cmake_parse_arguments(TEST "" "NAME;LABEL;TIMEOUT_S" "SOURCES;LINKS;RANKS;DEPENDS" ${ARGN})
  set(target test_${TEST_NAME})
  add_executable(${target} ${TEST_SOURCES})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  target_link_libraries(${target} PRIVATE ${TEST_LINKS} fairsweep_catch_main fairsweep_warnings)
  target_compile_options(${target} PRIVATE "$<$<CONFIG:Release>:-O1>")  # what is tested is in the rooms; tests compile faster so
  if(TEST_DEPENDS)
    add_dependencies(${target} ${TEST_DEPENDS})
  endif()
  if(NOT TEST_TIMEOUT_S)
    set(TEST_TIMEOUT_S 120)
  endif()
  if(TEST_RANKS)
    foreach(ranks ${TEST_RANKS})
      add_test(NAME ${TEST_NAME}_ranks_${ranks} COMMAND "${CMAKE_SOURCE_DIR}/tests/support/in_temp_folder"
        mpirun --oversubscribe --bind-to none -n ${ranks} $<TARGET_FILE:${target}>)
      set_tests_properties(${TEST_NAME}_ranks_${ranks} PROPERTIES LABELS "${TEST_LABEL};ranks_${ranks}" TIMEOUT ${TEST_TIMEOUT_S}
        PROCESSORS 2 ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMP_NUM_THREADS=1${fairsweep_mpi_environment}")
    endforeach()
  else()
    add_test(NAME ${TEST_NAME} COMMAND "${CMAKE_SOURCE_DIR}/tests/support/in_temp_folder" $<TARGET_FILE:${target}>)
    set_tests_properties(${TEST_NAME} PROPERTIES LABELS "${TEST_LABEL}" TIMEOUT ${TEST_TIMEOUT_S}
      ENVIRONMENT "OMP_NUM_THREADS=1${fairsweep_sanitizer_environment}")
  endif()
endfunction()

# fairsweep_script_test(NAME x SCRIPT path LABEL e2e [TIMEOUT_S n]): a script that gets the built program in FAIRSWEEP,
# the interpreter with the analysis tools in FAIRSWEEP_PYTHON, and an empty temporary folder as working directory.
function(fairsweep_script_test)
  cmake_parse_arguments(TEST "" "NAME;LABEL;SCRIPT;TIMEOUT_S" "ARGUMENTS" ${ARGN})
  if(NOT TEST_TIMEOUT_S)
    set(TEST_TIMEOUT_S 300)
  endif()
  add_test(NAME ${TEST_NAME} COMMAND "${CMAKE_SOURCE_DIR}/tests/support/in_temp_folder" "${CMAKE_CURRENT_SOURCE_DIR}/${TEST_SCRIPT}" ${TEST_ARGUMENTS})
  set_tests_properties(${TEST_NAME} PROPERTIES LABELS "${TEST_LABEL}" TIMEOUT ${TEST_TIMEOUT_S} PROCESSORS 2
    ENVIRONMENT "FAIRSWEEP=$<TARGET_FILE:fairsweep>;FAIRSWEEP_PYTHON=${FAIRSWEEP_DEPS}/venv/bin/python;FAIRSWEEP_SOURCE_DIR=${CMAKE_SOURCE_DIR};FAIRSWEEP_BINARY_DIR=${CMAKE_BINARY_DIR}${fairsweep_mpi_environment}")
endfunction()
