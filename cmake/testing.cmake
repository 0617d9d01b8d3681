# weir_test(LAYER [LIBS target...] [LABEL name] [SERIAL] [OPTIMISED] [LONG] SOURCES file...)
#
# One test program, bin/test_LAYER, registered with ctest under the same name. Test files include
# <boost/test/unit_test.hpp> and define neither BOOST_TEST_MODULE nor main. All programs share one main and a
# precompiled header. LABEL is `unit` unless given. SERIAL: nothing runs beside it.
#
# Compiling a unit test takes much longer than running it, so a preset may compile it with less effort
# (WEIR_QUICK_OPTIONS). An OPTIMISED program computes for long and is compiled as the build type says. A LONG one is
# left out of the builds with a sanitizer, where it would take minutes: others run the same code there.
#
# The limits are for what hangs, so they count for a machine several times slower than ours that does other work too.

function(weir_test_main target)
    add_library(${target} OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/test/main.cpp)
    target_link_libraries(${target} PUBLIC weir::weir Boost::unit_test_framework)
    target_compile_definitions(${target} PUBLIC BOOST_TEST_DYN_LINK BOOST_TEST_NO_MAIN)
    target_compile_options(${target} PUBLIC ${ARGN})
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/test)
    target_precompile_headers(${target} PRIVATE ${PROJECT_SOURCE_DIR}/test/pch.hpp)
endfunction()

# A precompiled header serves one set of options, so there is a second where the options differ.
weir_test_main(weir_test_main ${WEIR_QUICK_OPTIONS})
set(weir_test_main_optimised weir_test_main)
if(WEIR_QUICK_OPTIONS)
    set(weir_test_main_optimised weir_test_main_optimised)
    weir_test_main(weir_test_main_optimised)
endif()

function(weir_test layer)
    cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL;OPTIMISED;LONG" "LABEL" "LIBS;SOURCES")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
        message(FATAL_ERROR "weir_test(${layer}): give SOURCES; not understood: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    if(arg_LONG AND WEIR_SANITIZE)
        return()
    endif()
    set(main weir_test_main)
    if(arg_OPTIMISED)
        set(main ${weir_test_main_optimised})
    endif()
    set(target test_${layer})
    add_executable(${target} ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE ${main} ${arg_LIBS})
    target_precompile_headers(${target} REUSE_FROM ${main})

    # Signals go to the sanitizer or the core file, not to Boost.Test.
    add_test(NAME ${target} COMMAND ${target} --catch_system_errors=no --color_output=no)
    set_tests_properties(${target} PROPERTIES LABELS unit TIMEOUT 900)
    if(arg_LABEL)
        set_tests_properties(${target} PROPERTIES LABELS ${arg_LABEL})
    endif()
    if(arg_SERIAL)
        set_tests_properties(${target} PROPERTIES RUN_SERIAL TRUE)
    endif()
endfunction()
