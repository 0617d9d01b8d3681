#include <weir/http/detail/local_names.hpp>

#include <weir/http/detail/name_servers.hpp>

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>

namespace asio = boost::asio;
using weir::http::address_family;
using weir::http::detail::is_files_and_dns;
using weir::http::detail::local_names;
using weir::http::detail::parse_hosts;
using weir::http::detail::parse_name_server;

BOOST_AUTO_TEST_SUITE(http_local_names)

BOOST_AUTO_TEST_CASE(a_hosts_file_is_read_as_people_write_it)
{
    const auto hosts = parse_hosts("# a comment\n"
                                   "192.0.2.1\tone.test One  # 192.0.2.9\n"
                                   "2001:db8::1 one.test\r\n"
                                   "not-an-address two.test\n"
                                   "192.0.2.3\n"
                                   "\n"
                                   "192.0.2.2 two.test");
    BOOST_TEST(hosts.size() == 3U);
    BOOST_TEST(hosts.at("one.test").size() == 2U);
    BOOST_TEST(hosts.at("one").front().to_string() == "192.0.2.1");
    BOOST_TEST(hosts.at("two.test").size() == 1U);
}

struct hosts_file {
    hosts_file()
        : path(std::filesystem::temp_directory_path() /
               ("weir-hosts-" + std::to_string(::getpid())))
    {
    }
    ~hosts_file() { std::filesystem::remove(path); }
    void write(const std::string& text) const { std::ofstream(path) << text; }

    const std::filesystem::path path;
};

BOOST_AUTO_TEST_CASE(a_name_in_the_hosts_file_has_the_addresses_there_and_no_others)
{
    const hosts_file file;
    file.write("192.0.2.1 one.test\n");
    local_names names(file.path.string());
    const auto four = names.find("ONE.test.", address_family::v4);
    BOOST_REQUIRE(four.has_value());
    BOOST_TEST(four->found.size() == 1U);
    const auto six = names.find("one.test", address_family::v6);
    BOOST_REQUIRE(six.has_value()); // no name server is asked for it
    BOOST_TEST((six->error == asio::error::no_data));
    BOOST_TEST(!names.find("two.test", address_family::v4).has_value());
    file.write("192.0.2.1 one.test\n192.0.2.2 two.test\n");
    BOOST_TEST(names.find("two.test", address_family::v4).has_value());
    std::filesystem::remove(file.path);
    BOOST_TEST(!names.find("one.test", address_family::v4).has_value());
}

BOOST_AUTO_TEST_CASE(a_hosts_file_that_keeps_its_size_is_read_again)
{
    const hosts_file file;
    file.write("192.0.2.1 one.test\n");
    local_names names(file.path.string());
    BOOST_TEST(names.find("one.test", address_family::v4).has_value());
    const auto before = std::filesystem::last_write_time(file.path);
    file.write("192.0.2.2 two.test\n");
    std::filesystem::last_write_time(file.path, before + std::chrono::seconds(1));
    BOOST_TEST(names.find("two.test", address_family::v4).has_value());
    file.write("192.0.2.3 six.test\n");
    std::filesystem::last_write_time(file.path, before + std::chrono::milliseconds(1001));
    BOOST_TEST(names.find("six.test", address_family::v4).has_value());
}

BOOST_AUTO_TEST_CASE(localhost_is_loopback_whatever_the_file_says)
{
    const hosts_file file;
    file.write("192.0.2.1 localhost a.localhost\n");
    local_names names(file.path.string());
    for (const char* name : {"localhost", "LOCALHOST.", "a.localhost"}) {
        BOOST_TEST(names.find(name, address_family::v4)->found.front().to_string() == "127.0.0.1");
        BOOST_TEST(names.find(name, address_family::v6)->found.front().to_string() == "::1");
    }
    BOOST_TEST(!names.find("notlocalhost", address_family::v4).has_value());
}

BOOST_AUTO_TEST_CASE(only_files_and_dns_are_what_name_servers_can_stand_for)
{
    BOOST_TEST(is_files_and_dns(""));
    BOOST_TEST(is_files_and_dns("passwd: files systemd\nhosts:  files dns\n"));
    BOOST_TEST(is_files_and_dns("hosts: dns [!UNAVAIL=return] files # myhostname\n"));
    BOOST_TEST(is_files_and_dns("hosts: dns [ !UNAVAIL = return ] files\n"));
    BOOST_TEST(is_files_and_dns("#hosts: mdns\n"));
    BOOST_TEST(!is_files_and_dns("hosts: files mdns4_minimal [NOTFOUND=return] dns\n"));
    BOOST_TEST(!is_files_and_dns(" hosts : files resolve\n"));
}

BOOST_AUTO_TEST_CASE(a_name_server_is_an_address_and_a_port)
{
    const auto text = [](const char* of) -> std::string {
        const auto read = parse_name_server(of);
        std::ostringstream out;
        if (read)
            out << *read;
        return out.str();
    };
    BOOST_TEST(text("192.0.2.1:5353") == "192.0.2.1:5353");
    BOOST_TEST(text("192.0.2.1") == "192.0.2.1:53");
    BOOST_TEST(text("2001:db8::1") == "[2001:db8::1]:53");
    BOOST_TEST(text("[2001:db8::1]") == "[2001:db8::1]:53");
    BOOST_TEST(text("[2001:db8::1]:5353") == "[2001:db8::1]:5353");
    for (const char* wrong : {"", ":53", "dns.test", "dns.test:53", "192.0.2.1:", "192.0.2.1:0",
                              "192.0.2.1:65536", "192.0.2.1:53 ", "192.0.2.1:+53", "[192.0.2.1]:53",
                              "[::1", "[::1]53", "[]:53", "192.0.2.1,192.0.2.2"})
        BOOST_TEST(text(wrong) == "", wrong);
}

BOOST_AUTO_TEST_SUITE_END()
