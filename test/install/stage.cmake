# Installs into an empty STAGE and looks at what is there: every header of lib/weir, and no source file.
file(REMOVE_RECURSE ${STAGE})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${STAGE}
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

file(GLOB_RECURSE installed RELATIVE ${STAGE}/include ${STAGE}/include/*)
file(GLOB_RECURSE written RELATIVE ${SOURCE}/lib ${SOURCE}/lib/weir/*.hpp)
if(NOT EXISTS ${STAGE}/include/weir/http)
    list(FILTER written EXCLUDE REGEX "^weir/http/")
endif()
list(SORT installed)
list(SORT written)
if(NOT installed STREQUAL written)
    set(missing ${written})
    set(more ${installed})
    list(REMOVE_ITEM missing ${installed})
    list(REMOVE_ITEM more ${written})
    message(FATAL_ERROR "installed headers are not the headers of lib/weir.\n missing: ${missing}\n more: ${more}")
endif()
