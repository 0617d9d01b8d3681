# find_package(Brotlidec) gives Brotli::Dec: Debian's package has a pkg-config file only. Installed beside
# weir-config.cmake, which uses it too. A static libbrotlidec also needs libbrotlicommon.
find_path(BROTLIDEC_INCLUDE_DIR brotli/decode.h)
find_library(BROTLIDEC_LIBRARY brotlidec)
find_library(BROTLICOMMON_LIBRARY brotlicommon)
mark_as_advanced(BROTLIDEC_INCLUDE_DIR BROTLIDEC_LIBRARY BROTLICOMMON_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Brotlidec
    REQUIRED_VARS BROTLIDEC_LIBRARY BROTLICOMMON_LIBRARY BROTLIDEC_INCLUDE_DIR)

if(Brotlidec_FOUND AND NOT TARGET Brotli::Dec)
    add_library(Brotli::Dec UNKNOWN IMPORTED)
    set_target_properties(Brotli::Dec PROPERTIES
        IMPORTED_LOCATION ${BROTLIDEC_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${BROTLIDEC_INCLUDE_DIR}
        INTERFACE_LINK_LIBRARIES ${BROTLICOMMON_LIBRARY})
endif()
