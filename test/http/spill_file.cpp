#include <weir/http/detail/spill_file.hpp>

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <sys/resource.h>

#include <csignal>

using weir::http::detail::spill_file;

BOOST_AUTO_TEST_SUITE(http_spill_file)

// A folder of its own, which nothing may be left in.
struct folder {
    folder()
    {
        std::string name = std::filesystem::temp_directory_path() / "weir-test-XXXXXX";
        BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~folder() { std::filesystem::remove_all(path); }

    std::filesystem::path path;
};

BOOST_FIXTURE_TEST_CASE(what_was_written_is_read_and_the_file_has_no_name, folder)
{
    spill_file file(path);
    const std::string there(100'000, 'y');
    BOOST_TEST(!file.write(65'536, there));
    BOOST_TEST(!file.write(0, "one"));
    BOOST_TEST(std::filesystem::is_empty(path));
    std::string got(100'000, ' ');
    BOOST_TEST(!file.read(65'536, got));
    BOOST_TEST(got == there);
    got.resize(3);
    BOOST_TEST(!file.read(0, got));
    BOOST_TEST(got == "one");
}

BOOST_FIXTURE_TEST_CASE(what_is_missing_is_an_error, folder)
{
    spill_file file(path);
    BOOST_TEST(!file.write(0, "abc"));
    std::string got(4, ' ');
    BOOST_TEST(bool(file.read(0, got)));
}

BOOST_FIXTURE_TEST_CASE(a_folder_that_is_not_there_is_an_error_each_time, folder)
{
    spill_file file(path / "none");
    BOOST_TEST(file.write(0, "abc").value() == ENOENT);
    BOOST_TEST(file.write(0, "abc").value() == ENOENT);
    std::filesystem::create_directory(path / "none");
    BOOST_TEST(!file.write(0, "abc"));
}

// As on file systems that know no file without a name.
BOOST_AUTO_TEST_CASE(where_no_file_is_without_a_name_it_loses_its_name_at_once)
{
    const folder here;
    const spill_file::opener refusals[] = {
        [](const char*) { return errno = EOPNOTSUPP, -1; },
        [](const char*) { return errno = EISDIR, -1; },
        [](const char*) { return errno = EINVAL, -1; },
    };
    for (const auto refuse : refusals) {
        spill_file file(here.path, refuse);
        BOOST_TEST(!file.write(4, "two"));
        BOOST_TEST(!file.write(0, "one,"));
        BOOST_TEST(std::filesystem::is_empty(here.path));
        std::string got(7, ' ');
        BOOST_TEST(!file.read(0, got));
        BOOST_TEST(got == "one,two");
    }
    spill_file nowhere(here.path / "none", refusals[0]);
    BOOST_TEST(nowhere.write(0, "abc").value() == ENOENT);
}

BOOST_FIXTURE_TEST_CASE(any_other_refusal_is_the_error, folder)
{
    spill_file file(path, [](const char*) { return errno = EROFS, -1; });
    BOOST_TEST(file.write(0, "abc").value() == EROFS);
    BOOST_TEST(std::filesystem::is_empty(path));
}

// A file may be larger than the system lets it be: that is as if there were no room.
BOOST_FIXTURE_TEST_CASE(a_full_device_is_an_error_and_what_was_there_stays, folder)
{
    spill_file file(path);
    BOOST_TEST(!file.write(0, "abc"));
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const auto old = std::signal(SIGXFSZ, SIG_IGN);
    rlimit small = before;
    small.rlim_cur = 1000;
    ::setrlimit(RLIMIT_FSIZE, &small);
    const weir::error_code error = file.write(500, std::string(1000, 'x'));
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old);
    BOOST_TEST(error.value() == EFBIG);
    std::string got(3, ' ');
    BOOST_TEST(!file.read(0, got));
    BOOST_TEST(got == "abc");
}

BOOST_AUTO_TEST_SUITE_END()
