# weir_test(LAYER [LIBS target...] [LABEL name] [TIMEOUT seconds] [SERIAL] SOURCES file...)
#
# One test program, bin/test_LAYER, registered with ctest under the same name. Test files include
# <boost/test/unit_test.hpp> and define neither BOOST_TEST_MODULE nor main. Every program shares one precompiled
# header and one main, both compiled once a preset. LABEL is `unit` unless given. SERIAL: nothing runs beside it.

add_library(weir_test_main OBJECT ${PROJECT_SOURCE_DIR}/test/main.cpp)
target_link_libraries(weir_test_main PUBLIC weir::weir Boost::unit_test_framework)
target_compile_definitions(weir_test_main PUBLIC BOOST_TEST_DYN_LINK BOOST_TEST_NO_MAIN)
target_include_directories(weir_test_main PUBLIC ${PROJECT_SOURCE_DIR}/test)
target_precompile_headers(weir_test_main PRIVATE ${PROJECT_SOURCE_DIR}/test/pch.hpp)

function(weir_test layer)
    cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "LABEL;TIMEOUT" "LIBS;SOURCES")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
        message(FATAL_ERROR "weir_test(${layer}): give SOURCES; not understood: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    set(target test_${layer})
    add_executable(${target} ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE weir_test_main ${arg_LIBS})
    target_precompile_headers(${target} REUSE_FROM weir_test_main)

    # Signals go to the sanitizer or the core file, not to Boost.Test.
    add_test(NAME ${target} COMMAND ${target} --catch_system_errors=no --color_output=no)
    set_tests_properties(${target} PROPERTIES LABELS unit TIMEOUT 120)
    if(arg_LABEL)
        set_tests_properties(${target} PROPERTIES LABELS ${arg_LABEL})
    endif()
    if(arg_TIMEOUT)
        set_tests_properties(${target} PROPERTIES TIMEOUT ${arg_TIMEOUT})
    endif()
    if(arg_SERIAL)
        set_tests_properties(${target} PROPERTIES RUN_SERIAL TRUE)
    endif()
endfunction()
