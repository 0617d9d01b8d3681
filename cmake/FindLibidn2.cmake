# find_package(Libidn2) gives Libidn2::Libidn2: its own package has a pkg-config file only. Installed beside
# weir-config.cmake, which uses it too.
find_path(LIBIDN2_INCLUDE_DIR idn2.h)
find_library(LIBIDN2_LIBRARY idn2)
mark_as_advanced(LIBIDN2_INCLUDE_DIR LIBIDN2_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libidn2 REQUIRED_VARS LIBIDN2_LIBRARY LIBIDN2_INCLUDE_DIR)

if(Libidn2_FOUND AND NOT TARGET Libidn2::Libidn2)
    add_library(Libidn2::Libidn2 UNKNOWN IMPORTED)
    set_target_properties(Libidn2::Libidn2 PROPERTIES
        IMPORTED_LOCATION ${LIBIDN2_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${LIBIDN2_INCLUDE_DIR})
endif()
