add_library(fairsweep_warnings INTERFACE)
target_compile_options(fairsweep_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align -Wunused -Woverloaded-virtual
  -Wduplicated-cond -Wlogical-op -Wdouble-promotion -Wformat=2 -Wimplicit-fallthrough)
# g++ 12 finds overlaps and overflows inside its own std::string and std::vector at -O3 that are not there (GCC bugs 105651, 105562).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(fairsweep_warnings INTERFACE -Wno-restrict -Wno-stringop-overflow)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 14 finds a write past the end inside its own std::vector<bool>::reserve, as torch::autograd::Function calls it.
  target_compile_options(fairsweep_warnings INTERFACE -Wno-array-bounds -Wno-stringop-overflow)
endif()
if(FAIRSWEEP_WARNINGS_AS_ERRORS)
  target_compile_options(fairsweep_warnings INTERFACE -Werror)
endif()
if(FAIRSWEEP_SANITIZE)
  add_compile_options(-fsanitize=${FAIRSWEEP_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${FAIRSWEEP_SANITIZE})
endif()
