add_library(fairsweep_warnings INTERFACE)
target_compile_options(fairsweep_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align -Wunused -Woverloaded-virtual
  -Wduplicated-cond -Wlogical-op -Wnull-dereference -Wdouble-promotion -Wformat=2 -Wimplicit-fallthrough)
if(FAIRSWEEP_WARNINGS_AS_ERRORS)
  target_compile_options(fairsweep_warnings INTERFACE -Werror)
endif()
if(FAIRSWEEP_SANITIZE)
  add_compile_options(-fsanitize=${FAIRSWEEP_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${FAIRSWEEP_SANITIZE})
endif()
