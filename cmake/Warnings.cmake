add_library(paddock_warnings INTERFACE)
target_compile_options(paddock_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough)
if(PADDOCK_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(paddock_warnings INTERFACE -Wno-tsan)
endif()
# False alarms of g++ 12 at -O3 (its bug 105651).
target_compile_options(paddock_warnings INTERFACE
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict;-Wno-maybe-uninitialized>)
if(PADDOCK_WERROR)
  target_compile_options(paddock_warnings INTERFACE -Werror)
endif()
