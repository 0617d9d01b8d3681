# weir_check_coawait(TARGET): adds the target coawait_TARGET, and a test of that name where testing is enabled. They
# fail when a source of TARGET, or a header of the project that it includes, has an expression that g++ 12 miscompiles
# beside co_await, or drops what a co_await gives and says [[nodiscard]] (coawait.py, here). Compiles nothing. Needs python3, clang-query (Debian 12: clang-tools-19) and a
# generator that writes compile_commands.json: Ninja or Makefiles.
function(weir_check_coawait target)
    if(NOT TARGET ${target})
        message(FATAL_ERROR "weir_check_coawait(${target}): there is no such target")
    endif()
    if(NOT CMAKE_GENERATOR MATCHES "Ninja|Makefiles")
        message(FATAL_ERROR "weir_check_coawait needs compile_commands.json, which ${CMAKE_GENERATOR} does not write: "
            "use Ninja or Makefiles")
    endif()
    find_package(Python3 QUIET COMPONENTS Interpreter)
    if(NOT Python3_Interpreter_FOUND)
        message(FATAL_ERROR "weir_check_coawait needs python3 (Debian: apt-get install python3)")
    endif()

    set_target_properties(${target} PROPERTIES EXPORT_COMPILE_COMMANDS ON)
    get_target_property(folder ${target} SOURCE_DIR)
    set(command ${Python3_EXECUTABLE} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/coawait.py
        --build ${CMAKE_BINARY_DIR} --root ${PROJECT_SOURCE_DIR} --root ${folder}
        $<TARGET_PROPERTY:${target},SOURCES>)
    add_custom_target(coawait_${target} COMMAND ${command}
        WORKING_DIRECTORY ${folder} COMMAND_EXPAND_LISTS USES_TERMINAL VERBATIM)
    add_test(NAME coawait_${target} COMMAND ${command} WORKING_DIRECTORY ${folder} COMMAND_EXPAND_LISTS)
endfunction()
