# How weir compiles itself: warnings, bin/, sanitizers, ccache. A project that uses weir sees none of it.
if(NOT PROJECT_IS_TOP_LEVEL)
    return()
endif()

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ${WEIR_LINT})
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    # g++ gives this warning for protected destructors too, as soon as the class has a friend.
    add_compile_options(-Wnon-virtual-dtor)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # g++ 12 at -O2 inlines one half of the new/delete pair of Asio's coroutine frames and warns about the other.
    add_compile_options(-Wno-mismatched-new-delete)
endif()
if(WEIR_WERROR)
    add_compile_options(-Werror)
endif()

if(WEIR_SANITIZE)
    add_compile_options(-fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${WEIR_SANITIZE})
endif()

# Without these two, nothing that uses a precompiled header is ever found in the cache: ccache must be easy
# about times and macros inside it, and clang must not write its own time into it.
find_program(CCACHE ccache)
if(WEIR_CCACHE AND CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
endif()
