# fairsweep_room(NAME name SOURCES ... [LINKS rooms ...] [PRIVATE_LINKS libraries ...])
# A room is a static library fairsweep_<name>. It sees include/ and its own folder's headers as <name>/file.hpp, and
# only the rooms it links: an illegal use does not build.
include(warnings)
add_library(fairsweep_contracts INTERFACE)
target_include_directories(fairsweep_contracts INTERFACE "${CMAKE_SOURCE_DIR}/include")
target_compile_definitions(fairsweep_contracts INTERFACE FAIRSWEEP_CHECK_LEVEL=${FAIRSWEEP_CHECK_LEVEL})

function(fairsweep_room)
  cmake_parse_arguments(ROOM "" "NAME" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  set(target fairsweep_${ROOM_NAME})
  add_library(${target} STATIC ${ROOM_SOURCES})
  add_library(fairsweep::${ROOM_NAME} ALIAS ${target})
  # Headers of a room are included as "store/row.hpp"; linking gives that folder and no other.
  set(view "${CMAKE_BINARY_DIR}/rooms/${ROOM_NAME}")
  file(MAKE_DIRECTORY "${view}")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${view}/${ROOM_NAME}" SYMBOLIC)
  target_include_directories(${target} PUBLIC "${view}")
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${FAIRSWEEP_UNITY_BUILD} UNITY_BUILD_BATCH_SIZE 5)
  target_link_libraries(${target} PUBLIC fairsweep_contracts ${ROOM_LINKS} PRIVATE ${ROOM_PRIVATE_LINKS} fairsweep_warnings)
endfunction()
