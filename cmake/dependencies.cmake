# The core stands on Boost's headers and threads. Boost's component `system` is gone in 1.89: never list it.
# cmake/weir-config.cmake.in repeats the lines of the two libraries for those who use an installed weir.

find_package(Boost 1.81 CONFIG REQUIRED)
find_package(Threads REQUIRED)

if(WEIR_HTTP)
    find_package(OpenSSL 3.0 REQUIRED)
    list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
    find_package(Libidn2 REQUIRED)
    find_package(ZLIB REQUIRED)
    find_package(Brotlidec REQUIRED)
    find_package(Zstd REQUIRED)
    include(cmake/weir-cares.cmake) # c-ares::cares
    if(NOT TARGET c-ares::cares)
        message(FATAL_ERROR "weir::http needs c-ares, 1.16 or newer: libc-ares-dev in Debian")
    endif()
endif()

if(WEIR_BUILD_APPS)
    find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS json)
    find_package(CLI11 REQUIRED)
    find_package(fmt REQUIRED)
endif()

if(WEIR_BUILD_TESTS)
    find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS unit_test_framework)
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()
