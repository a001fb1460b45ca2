# Language, warnings, sanitizers and build speed. Every preset goes through here.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(SHELLAC_WERROR "Warnings are errors" ON)
option(SHELLAC_BENCH "Build the micro-benchmarks" OFF)
option(SHELLAC_FUZZ "Build the fuzzers only (clang)" OFF)
set(SHELLAC_SANITIZE "" CACHE STRING "Value of -fsanitize=")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -fno-omit-frame-pointer)
set(SHELLAC_CXX_WARNINGS -Wconversion -Wshadow)
if(SHELLAC_WERROR)
  list(APPEND SHELLAC_CXX_WARNINGS -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees a coroutine's parameter copies and std::string's internals through inlining and warns of both wrongly.
  list(APPEND SHELLAC_CXX_WARNINGS -Wno-maybe-uninitialized -Wno-restrict)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 deprecates get_temporary_buffer, which its own std::stable_sort uses; clang tells it of every user.
  list(APPEND SHELLAC_CXX_WARNINGS -Wno-deprecated-declarations)
endif()

if(SHELLAC_SANITIZE)
  add_compile_options(-fsanitize=${SHELLAC_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SHELLAC_SANITIZE})
  if(SHELLAC_SANITIZE MATCHES "thread")
    # Asio 1.81 uses std::atomic_thread_fence, which g++ refuses under TSan.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
else()
  add_compile_definitions($<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
  add_compile_options(-fstack-protector-strong)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # The precompiled header makes ccache careful; these two sloppinesses are what its manual asks for with one.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
