# What `cmake --install` leaves behind, and how others find it. Everything is relocatable.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weir)

install(TARGETS weir EXPORT weir-core ARCHIVE FILE_SET HEADERS)
install(EXPORT weir-core NAMESPACE weir:: DESTINATION ${package_dir})
if(WEIR_HTTP)
    install(TARGETS weir_http EXPORT weir-http ARCHIVE FILE_SET HEADERS)
    set_target_properties(weir_http PROPERTIES EXPORT_NAME http)
    install(EXPORT weir-http NAMESPACE weir:: DESTINATION ${package_dir})
    install(FILES cmake/weir-cares.cmake cmake/FindBrotlidec.cmake cmake/FindZstd.cmake DESTINATION ${package_dir})
endif()
if(WEIR_BUILD_APPS)
    install(TARGETS weir-fetch RUNTIME)
    install(FILES apps/fetch/weir-fetch.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES apps/fetch/completions/weir-fetch.bash RENAME weir-fetch
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES apps/fetch/completions/_weir-fetch DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()

configure_package_config_file(cmake/weir-config.cmake.in weir-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(weir-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weir-config.cmake ${PROJECT_BINARY_DIR}/weir-config-version.cmake
    DESTINATION ${package_dir})
install(FILES cmake/checks/weir-coawait.cmake cmake/FindLibidn2.cmake DESTINATION ${package_dir})
install(PROGRAMS cmake/checks/coawait.py DESTINATION ${package_dir})

# pkg-config. Boost has no .pc file: its folder is named when the compiler would not look there by itself.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE libdir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
    OUTPUT_VARIABLE up)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
    OUTPUT_VARIABLE includedir)
get_target_property(boost_include Boost::headers INTERFACE_INCLUDE_DIRECTORIES)
set(boost_cflags)
if(NOT boost_include IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    set(boost_cflags "-I${boost_include}")
endif()
set(asio_cflags)
if(NOT WEIR_ASIO_INTERNALS)
    set(asio_cflags " -DWEIR_NO_ASIO_INTERNALS")
endif()
set(packages weir)
if(WEIR_HTTP)
    list(APPEND packages weir-http)
endif()
foreach(package IN LISTS packages)
    configure_file(cmake/${package}.pc.in ${PROJECT_BINARY_DIR}/${package}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${package}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
