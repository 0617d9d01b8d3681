#include <weir/http/address_filter.hpp>

#include <weir/http/network_options.hpp>
#include <weir/http/proxies.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>

namespace http = weir::http;
using boost::asio::ip::make_address;

BOOST_AUTO_TEST_SUITE(http_address_filter)

// A block that is not public: its first and last address, and what is before and behind it, if that
// is public.
struct block {
    const char* name;
    const char* first;
    const char* last;
    const char* before;
    const char* behind;
};

BOOST_AUTO_TEST_CASE(each_special_block_is_refused_to_its_edges)
{
    const block rows[] = {
        {"this network", "0.0.0.0", "0.255.255.255", nullptr, "1.0.0.0"},
        {"private 10", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
        {"shared", "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"},
        {"loopback", "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"},
        {"link-local", "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"},
        {"private 172.16", "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
        {"IETF", "192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"},
        {"documentation 1", "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"},
        {"AS112", "192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0"},
        {"AMT", "192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0"},
        {"6to4 relays", "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"},
        {"private 192.168", "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"},
        {"AS112 direct", "192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0"},
        {"benchmarks", "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"},
        {"documentation 2", "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"},
        {"documentation 3", "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"},
        {"multicast", "224.0.0.0", "239.255.255.255", "223.255.255.255", nullptr},
        {"reserved", "240.0.0.0", "255.255.255.254", nullptr, nullptr},
        {"broadcast", "255.255.255.255", "255.255.255.255", nullptr, nullptr},
        {"unspecified", "::", "::", nullptr, nullptr},
        {"loopback 6", "::1", "::1", nullptr, nullptr},
        {"v4-compatible", "::2", "::ffff:ffff", nullptr, nullptr},
        {"v4-compatible of a public one", "::808:808", "::808:808", nullptr, nullptr},
        {"mapped private", "::ffff:10.0.0.0", "::ffff:10.255.255.255", "::ffff:9.255.255.255",
         "::ffff:11.0.0.0"},
        {"mapped loopback", "::ffff:127.0.0.1", "::ffff:127.0.0.1", "::ffff:126.255.255.255",
         "::ffff:128.0.0.0"},
        {"NAT64 of private", "64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255",
         "64:ff9b::9.255.255.255", "64:ff9b::11.0.0.0"},
        {"NAT64 behind", "64:ff9b::1:0:0", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", nullptr, nullptr},
        {"local NAT64", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", nullptr, nullptr},
        {"local NAT64 of a public one", "64:ff9b:1::808:808", "64:ff9b:1::808:808", nullptr,
         nullptr},
        {"discard", "100::", "100::ffff:ffff:ffff:ffff", nullptr, nullptr},
        {"dummy", "100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", nullptr, nullptr},
        {"below global unicast", "1fff::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr,
         "2000::"},
        {"IETF 6", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
         "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
        {"documentation 6", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
         "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
        {"6to4", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
        {"6to4 of a public one", "2002:808:808::1", "2002:808:808::1", nullptr, nullptr},
        {"AS112 6", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
         "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::"},
        {"documentation 3fff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
         "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
        {"above global unicast", "4000::", "4000::1", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         nullptr},
        {"segment routing", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr, nullptr},
        {"unique local", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr, nullptr},
        {"link-local 6", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr, nullptr},
        {"site-local", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr, nullptr},
        {"multicast 6", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr, nullptr},
    };
    for (const block& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(!http::is_public(make_address(row.first)));
            BOOST_TEST(!http::is_public(make_address(row.last)));
            if (row.before)
                BOOST_TEST(http::is_public(make_address(row.before)));
            if (row.behind)
                BOOST_TEST(http::is_public(make_address(row.behind)));
        }
    BOOST_TEST(http::is_public(make_address("64:ff9b::8.8.8.8")));
    BOOST_TEST(http::is_public(make_address("2606:4700::1111")));
}

BOOST_AUTO_TEST_CASE(every_way_to_write_a_private_address_in_a_url_is_refused)
{
    for (const char* host :
         {"0x7f.1", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "0", "10.1",
          "169.254.169.254", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "[0:0::1]", "%31%32%37.0.0.1",
          "127\xe3\x80\x82"
          "0.0.1"})
        BOOST_TEST_CONTEXT(host)
        {
            const auto target = http::url::parse("http://" + std::string(host) + "/");
            BOOST_REQUIRE(target.has_value());
            BOOST_REQUIRE(target->host_is_address());
            BOOST_TEST(!http::is_public(make_address(target->host())));
        }
}

BOOST_AUTO_TEST_CASE(a_filter_and_a_proxy_exclude_each_other)
{
    http::proxies by;
    by.http("proxy.example:3128");
    http::network_options filtered, proxied;
    filtered.allow(http::is_public);
    BOOST_CHECK_THROW(filtered.through(by), std::invalid_argument);
    BOOST_TEST(filtered.through().empty());
    proxied.through(by);
    BOOST_CHECK_THROW(proxied.allow(http::is_public), std::invalid_argument);
    BOOST_TEST(!proxied.allow());
    filtered.through(http::proxies()); // none
    proxied.allow(nullptr);
    BOOST_TEST(proxied.through().of(http::url::parse("http://a/").value()) != nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
