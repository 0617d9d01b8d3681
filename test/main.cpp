// The main function of every test program, compiled once a preset: they differ in name alone.
#include <boost/test/unit_test.hpp>

#include <string_view>

int main(int argc, char** argv)
{
    const auto name_the_suite = [] {
        auto& suite = boost::unit_test::framework::master_test_suite();
        const std::string_view program = suite.argv[0];
        suite.p_name.value = program.substr(program.rfind('/') + 1);
        return true;
    };
    return boost::unit_test::unit_test_main(name_the_suite, argc, argv);
}
