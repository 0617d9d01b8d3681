# c-ares::cares, the target of c-ares' own CMake package. Debian's has none, so the library is looked for where that is
# not there. Also installed, for those who use weir::http.
find_package(c-ares CONFIG QUIET)
if(NOT TARGET c-ares::cares)
    find_path(WEIR_CARES_INCLUDE_DIR ares.h)
    find_library(WEIR_CARES_LIBRARY cares)
    mark_as_advanced(WEIR_CARES_INCLUDE_DIR WEIR_CARES_LIBRARY)
    if(WEIR_CARES_INCLUDE_DIR AND WEIR_CARES_LIBRARY)
        add_library(c-ares::cares UNKNOWN IMPORTED)
        set_target_properties(c-ares::cares PROPERTIES
            IMPORTED_LOCATION ${WEIR_CARES_LIBRARY}
            INTERFACE_INCLUDE_DIRECTORIES ${WEIR_CARES_INCLUDE_DIR})
    endif()
endif()
