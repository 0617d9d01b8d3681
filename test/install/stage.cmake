# Installs into an empty STAGE and looks at what is there: every public header of lib/weir and what those include,
# and no source file.
file(REMOVE_RECURSE ${STAGE})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${STAGE}
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

file(GLOB_RECURSE installed RELATIVE ${STAGE}/include ${STAGE}/include/*)
file(GLOB_RECURSE written RELATIVE ${SOURCE}/lib ${SOURCE}/lib/weir/*.hpp)
if(NOT EXISTS ${STAGE}/include/weir/http)
    list(FILTER written EXCLUDE REGEX "^weir/http/")
endif()

set(more ${installed})
list(REMOVE_ITEM more ${written})
set(missing ${written})
list(FILTER missing EXCLUDE REGEX "/detail/")
foreach(header IN LISTS installed)
    file(STRINGS ${STAGE}/include/${header} includes REGEX "#include <weir/")
    list(TRANSFORM includes REPLACE ".*<(.*)>.*" "\\1")
    list(APPEND missing ${includes})
endforeach()
list(REMOVE_DUPLICATES missing)
list(REMOVE_ITEM missing ${installed})
if(missing OR more)
    message(FATAL_ERROR "not installed, but public or included: ${missing}\ninstalled, but no header: ${more}")
endif()
