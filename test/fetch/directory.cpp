#include <directory.hpp>

#include <weir/error.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fs = std::filesystem;
using weir_fetch::directory;
using weir_fetch::file_identity;

BOOST_AUTO_TEST_SUITE(directories)

struct folder {
    folder()
    {
        std::string name = (fs::temp_directory_path() / "weir-parts-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~folder() { fs::remove_all(path); }

    std::string content(const std::string& name) const
    {
        std::ifstream file(path / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    fs::path path;
};

/// Writes a part, and leaves it as a program does that is killed.
file_identity left(directory& in, const std::string& name, std::string_view text)
{
    weir::error_code error;
    const auto file = in.create(name, error);
    BOOST_REQUIRE(file != nullptr);
    BOOST_TEST(!file->write(text));
    file->leave();
    return file->identity();
}

BOOST_AUTO_TEST_CASE(a_name_may_have_folders_which_are_made)
{
    folder f;
    directory in(f.path.string(), weir_fetch::if_missing::fail);
    in.sync_files();
    weir::error_code error;
    for (int n = 0; n != 2; ++n) {
        const auto file = in.create("x/y/a", error);
        BOOST_REQUIRE(file != nullptr);
        BOOST_TEST(fs::exists(f.path / file->part()));
        BOOST_TEST(!file->write("abc"));
        BOOST_TEST(!file->keep());
        BOOST_TEST(file->name() == (n == 0 ? "x/y/a" : "x/y/a.1"));
        BOOST_TEST(f.content(file->name()) == "abc");
    }
    BOOST_TEST(in.create("x/y/a/b", error) == nullptr); // which is a file
    BOOST_TEST(error.message() == "Not a directory");
    const auto which = left(in, "z/c", "abcdef");
    const auto again = in.resume("z/c.part", which, "z/c", directory::naming::free);
    BOOST_REQUIRE(again != nullptr);
    BOOST_TEST(!again->keep());
    BOOST_TEST(f.content("z/c") == "abcdef");
}

BOOST_AUTO_TEST_CASE(a_part_is_gone_on_with)
{
    folder f;
    directory in(f.path.string(), weir_fetch::if_missing::fail);
    const auto which = left(in, "a", "abcdef");
    BOOST_REQUIRE(which.born != 0); // the test needs a file system that says so
    auto file = in.resume("a.part", which, "a", directory::naming::free);
    BOOST_REQUIRE(file != nullptr);
    BOOST_TEST(file->size() == 6U);
    std::string read;
    BOOST_TEST(!file->read(4, [&](std::string_view part) { read += part; }));
    BOOST_TEST(read == "abcd");
    BOOST_TEST(file->read(7, [](std::string_view) {}).failed());
    BOOST_TEST(!file->cut(4));
    BOOST_TEST(!file->write("XY"));
    BOOST_TEST(!file->keep());
    BOOST_TEST(file->name() == "a");
    BOOST_TEST(f.content("a") == "abcdXY");
    BOOST_TEST(!fs::exists(f.path / "a.part"));
}

BOOST_AUTO_TEST_CASE(a_part_that_is_another_file_by_now_is_not_gone_on_with)
{
    folder f;
    directory in(f.path.string(), weir_fetch::if_missing::fail);
    const auto first = left(in, "a", "abc");
    const auto second = left(in, "a", "ABCDEF"); // the first was in its way
    BOOST_TEST((first != second));
    BOOST_TEST(!in.resume("a.part", first, "a", directory::naming::free));
    BOOST_TEST(f.content("a.part") == "ABCDEF");
    in.remove("a.part", first);
    BOOST_TEST(fs::exists(f.path / "a.part"));
    in.remove("a.part", second);
    BOOST_TEST(!fs::exists(f.path / "a.part"));
    BOOST_TEST(!in.resume("a.part", second, "a", directory::naming::free));
}

BOOST_AUTO_TEST_CASE(a_part_is_gone_on_with_by_one_only)
{
    folder f;
    directory in(f.path.string(), weir_fetch::if_missing::fail);
    const auto which = left(in, "a", "abc");
    const auto file = in.resume("a.part", which, "a", directory::naming::free);
    BOOST_TEST(file != nullptr);
    BOOST_TEST(!in.resume("a.part", which, "a", directory::naming::free));
    weir::error_code error;
    const auto other = in.create("a", error); // nor is it in its way
    BOOST_REQUIRE(other != nullptr);
    BOOST_TEST(other->name() == "a.1");
}

BOOST_AUTO_TEST_CASE(a_file_is_replaced_only_as_it_was_kept)
{
    folder f;
    directory in(f.path.string(), weir_fetch::if_missing::fail);
    weir_fetch::states_of_files kept;
    in.before_keep([&](const std::string& name, const weir_fetch::file_state& file) {
        kept[name] = {file, {}}; // of a run that was killed later

        return weir::error_code();
    });
    weir::error_code error;
    for (const char* name : {"same", "written", "resized", "touched", "unknown"}) {
        const auto file = in.create(name, error);
        BOOST_REQUIRE(file != nullptr);
        BOOST_TEST(!file->write("abc"));
        BOOST_TEST(!file->set_time(std::chrono::sys_seconds(std::chrono::seconds(-7))));
        BOOST_TEST(!file->keep());
    }
    std::ofstream(f.path / "written") << "xyz";
    fs::resize_file(f.path / "resized", 2);
    const auto time = fs::last_write_time(f.path / "same");
    fs::last_write_time(f.path / "resized", time);
    fs::last_write_time(f.path / "touched", time + std::chrono::nanoseconds(1));
    kept["unknown"] = {{}};
    for (const std::string name : {"same", "written", "resized", "touched", "unknown"}) {
        // Each has a number by now: a directory of the next run.
        directory next(f.path.string(), weir_fetch::if_missing::fail);
        next.may_replace(kept);
        const auto file = next.create(name, error);
        BOOST_REQUIRE(file != nullptr);
        BOOST_TEST(file->name() == (name == "same" ? name : name + ".1"));
    }
    BOOST_TEST(kept.at("same").front().changed == -7'000'000'000);
}

BOOST_AUTO_TEST_CASE(a_file_reports_each_name_that_it_tries)
{
    folder f;
    directory in(f.path.string(), weir_fetch::if_missing::fail);
    std::vector<std::string> told;
    in.before_keep([&](const std::string& name, const weir_fetch::file_state&) {
        told.push_back(name);
        if (told.size() == 1)
            std::ofstream(f.path / name) << "made meanwhile";
        return weir::error_code();
    });
    weir::error_code error;
    const auto file = in.create("a", error);
    BOOST_REQUIRE(file != nullptr);
    BOOST_TEST(!file->keep());
    BOOST_TEST(file->name() == "a.1");
    BOOST_TEST(told == (std::vector<std::string>{"a", "a.1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_part_never_takes_the_place_of_a_file)
{
    folder f;
    directory in(f.path.string(), weir_fetch::if_missing::fail);
    const auto which = left(in, "a", "abc");
    std::ofstream(f.path / "a") << "made meanwhile";
    auto file = in.resume("a.part", which, "a", directory::naming::free);
    BOOST_REQUIRE(file != nullptr);
    BOOST_TEST(!file->keep());
    BOOST_TEST(file->name() == "a.1");
    BOOST_TEST(f.content("a") == "made meanwhile");
    BOOST_TEST(f.content("a.1") == "abc");
}

BOOST_AUTO_TEST_SUITE_END()
