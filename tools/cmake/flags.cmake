# Compiler settings every target shares, and pollux_library(): one library per top-level folder.
add_library(pollux_flags INTERFACE)
# g++ 12 cannot follow std::optional and calls its value maybe-uninitialized; clang++ has no such flag
target_compile_options(pollux_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  -ffp-contract=off -fno-fast-math) # replay must give the same bytes on every build
target_include_directories(pollux_flags INTERFACE ${CMAKE_SOURCE_DIR})
if(POLLUX_WERROR)
  # g++ 12 sees overlapping copies in std::string's own operator+ (GCC bug 105651)
  target_compile_options(pollux_flags INTERFACE -Werror $<$<CXX_COMPILER_ID:GNU>:-Wno-error=restrict>)
endif()
if(POLLUX_SANITIZE)
  # CAF 0.17 binds a null reference inside init_fun_factory.hpp, hence no-sanitize=null
  target_compile_options(pollux_flags INTERFACE -fsanitize=${POLLUX_SANITIZE} -fno-sanitize=null
                         -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(pollux_flags INTERFACE -fsanitize=${POLLUX_SANITIZE})
endif()
if(POLLUX_FUZZ)
  target_compile_options(pollux_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

# pollux_library(NAME DIR...): every .cpp below the folders, found anew at each build.
function(pollux_library name)
  set(sources)
  foreach(dir ${ARGN})
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/*.cpp)
    list(APPEND sources ${found})
  endforeach()
  list(REMOVE_DUPLICATES sources)
  if(NOT sources)
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}_empty.cpp "")
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/${name}_empty.cpp)
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC pollux_flags)
endfunction()
