#include "input.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fs = std::filesystem;
using weir_fetch::input;
using weir_fetch::place;

namespace {

// Lines of one length.
struct list {
    explicit list(int lines)
    {
        std::string name = (fs::temp_directory_path() / "weir-list-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder = name;
        path = (folder / "urls").string();
        std::ofstream file(path);
        for (int i = 0; i < lines; ++i)
            file << "http://a.example/" << 100'000 + i << '\n';
    }
    ~list() { fs::remove_all(folder); }

    fs::path folder;
    std::string path;
};

// Reads so many entries, and returns how many came.
int take(boost::asio::io_context& context, input& from, int count)
{
    int taken = 0;
    bool more = true;
    while (more && taken != count) {
        auto reading = from.next();
        boost::asio::co_spawn(
            context, std::move(reading),
            [&](const std::exception_ptr&, const std::optional<std::string>& text) {
                more = text.has_value();
            });
        context.restart();
        context.run();
        taken += more ? 1 : 0;
    }
    return taken;
}

} // namespace

BOOST_AUTO_TEST_SUITE(fetch_input)

BOOST_AUTO_TEST_CASE(how_many_lines_there_are_is_estimated_until_the_end_of_the_file)
{
    const list urls(10'000); // several parts
    boost::asio::io_context context;
    input in(context.get_executor(), {}, urls.path);
    BOOST_TEST(!in.all());
    BOOST_TEST(take(context, in, 10) == 10);
    BOOST_TEST_REQUIRE(in.all().has_value());
    BOOST_TEST(in.all()->entries == 10'000U);
    BOOST_TEST(!in.all()->is_exact);
    BOOST_TEST(take(context, in, 7'000) == 7'000);
    BOOST_TEST(in.all()->entries == 10'000U);
    BOOST_TEST(take(context, in, 10'000) == 2'990);
    BOOST_TEST(in.all()->entries == 10'000U);
    BOOST_TEST(in.all()->is_exact);
}

BOOST_AUTO_TEST_CASE(arguments_are_known_at_once)
{
    boost::asio::io_context context;
    input in(context.get_executor(), {"http://a.example/", "http://b.example/"}, "");
    BOOST_TEST(in.all().value().entries == 2U);
    BOOST_TEST(in.all().value().is_exact);
    const list urls(100);
    input both(context.get_executor(), {"http://a.example/"}, urls.path);
    BOOST_TEST(take(context, both, 1) == 1);
    BOOST_TEST(!both.all()); // no line was read
    BOOST_TEST(take(context, both, 1) == 1);
    BOOST_TEST(both.all().value().entries == 101U);
}

BOOST_AUTO_TEST_CASE(what_is_left_out_does_not_count)
{
    const list urls(100);
    boost::asio::io_context context;
    input in(context.get_executor(), {"http://a.example/", "http://b.example/"}, urls.path);
    std::uint64_t asked = 0;
    in.leave_out([&](const place&, std::string_view) { return ++asked % 2 == 0; });
    BOOST_TEST(take(context, in, 1'000) == 51);
    BOOST_TEST(in.all().value().entries == 51U);
    BOOST_TEST(in.all().value().is_exact);
}

BOOST_AUTO_TEST_SUITE_END()
