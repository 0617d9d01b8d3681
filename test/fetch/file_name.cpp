#include <file_name.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using weir_fetch::file_name;
using weir_fetch::numbered;

BOOST_AUTO_TEST_SUITE(name_of_a_file)

BOOST_AUTO_TEST_CASE(the_last_part_of_the_path_is_the_name)
{
    BOOST_TEST(file_name("/a/b/page.html") == "page.html");
    BOOST_TEST(file_name("/") == "index.html");
    BOOST_TEST(file_name("/a/") == "index.html");
}

BOOST_AUTO_TEST_CASE(no_name_leads_out_of_the_directory_or_hides)
{
    const std::string hostile[] = {"/..",
                                   "/../../etc/passwd",
                                   "/.bashrc",
                                   "/-rf",
                                   "/a%2Fb",
                                   "/%2e%2e",
                                   "/a\\b",
                                   "/a:b",
                                   "/con",
                                   "/NUL.txt",
                                   "/*",
                                   "/x?y=/../z",
                                   "/" + std::string(5000, 'a'),
                                   "/a;rm"};
    for (const std::string& target : hostile) {
        const std::string name = file_name(target);
        BOOST_TEST_CONTEXT(target << " becomes " << name)
        {
            BOOST_TEST(!name.empty());
            BOOST_TEST(name.size() <= 200U);
            BOOST_TEST(name.find_first_of("/\\:*;") == std::string::npos);
            BOOST_TEST(name.front() != '.');
            BOOST_TEST(name.front() != '-');
            BOOST_TEST(name != "..");
        }
    }
}

BOOST_AUTO_TEST_CASE(a_host_names_its_folder)
{
    using weir_fetch::host_folder;
    BOOST_TEST(host_folder("example.com") == "example.com");
    BOOST_TEST(host_folder("example.com:8080") == "example.com+8080");
    BOOST_TEST(host_folder("[2001:db8::1]") == "2001_db8__1");
    BOOST_TEST(host_folder("[2001:db8::1]:81") == "2001_db8__1+81");
    BOOST_TEST(host_folder("con") == "_con");
    BOOST_TEST(host_folder("..") == "_.");
}

BOOST_AUTO_TEST_CASE(any_text_becomes_a_safe_name)
{
    BOOST_TEST(weir_fetch::safe_name("a report.pdf") == "a_report.pdf");
    BOOST_TEST(weir_fetch::safe_name("a?b") == "a_b");
    BOOST_TEST(weir_fetch::safe_name(std::string(195, 'a') + ".parts").size() == 200U);
    for (const char* text : {"", ".", "..", "/", "../../etc/passwd", "con", "a\nb", "-rf"}) {
        const std::string name = weir_fetch::safe_name(text);
        BOOST_TEST(!name.empty());
        BOOST_TEST(name.find_first_of("/\\\n") == std::string::npos);
        BOOST_TEST((name.front() != '.' && name.front() != '-' && name != "con"), name);
    }
}

BOOST_AUTO_TEST_CASE(a_path_that_was_asked_for_stays_in_its_folder)
{
    for (const std::string path :
         {"a", "a b.html", "x/y/z", ".hidden", "-rf", "a..b", "..a/b..", "\xc3\xa9", "a.part/b~"})
        BOOST_TEST(weir_fetch::stays_inside(path), path);
    for (const std::string path : {"a", "a b.html", "x/y/z", ".hidden", "-rf", "a..b", "..a/b.."})
        BOOST_TEST(weir_fetch::fault_of_path(path) == "", path);
    for (const std::string path :
         {"", "/", "/a", "//a", "..", "../a", "a/..", "a/../b", "x/../.."}) {
        BOOST_TEST(weir_fetch::fault_of_path(path) != "", path);
        BOOST_TEST((path.find("..") == std::string::npos || !weir_fetch::stays_inside(path)), path);
    }
    for (const std::string path :
         {"a/", "a//b", "./a", "a/.", "a.part", "b.part/a", "-", "a\nb", "a\x7f"})
        BOOST_TEST(weir_fetch::fault_of_path(path) != "", path);
    BOOST_TEST(weir_fetch::fault_of_path(std::string("a\0b", 3)) != "");
    BOOST_TEST(weir_fetch::fault_of_path(std::string(200, 'a')) == "");
    BOOST_TEST(weir_fetch::fault_of_path(std::string(201, 'a')) != "");
    std::string deep = "a";
    while (deep.size() < 3999)
        deep += "/a";
    BOOST_TEST(weir_fetch::fault_of_path(deep) == "");
    BOOST_TEST(weir_fetch::fault_of_path(deep + "/a") == "it is longer than 4000 bytes");
    BOOST_TEST(!weir_fetch::stays_inside("/a"));
}

BOOST_AUTO_TEST_CASE(a_name_that_is_taken_gets_a_number)
{
    BOOST_TEST(numbered("a.html", 0) != numbered("a.html", 1));
    BOOST_TEST(numbered("a.html", 1) != numbered("a.html", 2));
}

BOOST_AUTO_TEST_SUITE_END()
