# Projects that use weir get the core library alone. Everything else is on by default only in weir's own build.

# For those who use the library
option(WEIR_HTTP "Build weir::http (needs OpenSSL, libidn2, c-ares, zlib, brotli and zstd)" ${PROJECT_IS_TOP_LEVEL})
option(WEIR_INSTALL "Add install rules, find_package(weir) and pkg-config files" ${PROJECT_IS_TOP_LEVEL})

option(WEIR_ASIO_INTERNALS "Use private names of Asio, for smaller and faster jobs and requests; off: co_spawn instead" ON)

# For those who want the programs
option(WEIR_BUILD_APPS "Build weir-fetch and weir-origin (need weir::http, CLI11, fmt, Boost.JSON)"
    ${PROJECT_IS_TOP_LEVEL})

# For those who work on weir
option(WEIR_BUILD_TESTS "Build the tests (need Boost.Test)" ${PROJECT_IS_TOP_LEVEL})
option(WEIR_BUILD_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(WEIR_BUILD_BENCH "Build the benchmarks and their peers; bench/run.sh does" OFF)
option(WEIR_CHECKS "Let ctest run the quick static checks and the consumers of the installed library"
    ${PROJECT_IS_TOP_LEVEL})
option(WEIR_LINT "Let ctest run the slow static checks: each header alone, and clang's tools" OFF)
option(WEIR_WERROR "Turn warnings into errors" OFF)
option(WEIR_PRECOMPILE "Compile the libraries with a precompiled header, which hides forgotten includes, and makes g++ -O2 warn of what is not there" OFF)
option(WEIR_CCACHE "Compile through ccache when it is installed" ${PROJECT_IS_TOP_LEVEL})
option(WEIR_FUZZ "Build the programs of test/fuzz (clang only), and let ctest run them for a while" OFF)
set(WEIR_SANITIZE "" CACHE STRING "Sanitizers for the whole build, such as address,undefined")
set(WEIR_QUICK_OPTIONS "" CACHE STRING
    "Compile options of unit tests and examples, after those of the build type, such as -O0")
set(WEIR_TEST_LAYERS "all" CACHE STRING "Folders of test/ to build, or all")

if(WEIR_BUILD_APPS AND NOT WEIR_HTTP)
    message(FATAL_ERROR "WEIR_BUILD_APPS needs WEIR_HTTP: the programs stand on weir::http")
endif()
