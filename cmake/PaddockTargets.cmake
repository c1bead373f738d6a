# paddock_library(NAME SOURCES... LINKS lib...): a static library of ours; includes are from the repository's root.
function(paddock_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_LINKS} paddock_sanitizers PRIVATE paddock_warnings)
endfunction()

function(paddock_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINKS} paddock_sanitizers paddock_warnings)
endfunction()

# paddock_test(NAME SOURCES... LINKS lib... LABELS label...): one Catch2 program, one ctest per program.
# ctest sees exit code 4 as "skipped". Sources are compiled together, since the headers of Catch2 and JSON cost more than
# the tests themselves: the names in their anonymous namespaces must differ.
function(paddock_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  paddock_program(${name} SOURCES ${arg_SOURCES} LINKS ${arg_LINKS} Catch2::Catch2WithMain)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ON)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE PADDOCK_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 4)
endfunction()
