// Appended to test/main.cpp in the copy: writes a line for each case to WEIR_MUTANT_CASES:
// `name seconds places...`.
#include <boost/test/tree/observer.hpp>
#include <weir/mutant_switch.hpp>

#include <chrono>
#include <cstdio>
#include <cstring>

namespace {

struct case_observer : boost::unit_test::test_observer {
    std::FILE* const out = std::getenv("WEIR_MUTANT_CASES")
                               ? std::fopen(std::getenv("WEIR_MUTANT_CASES"), "a")
                               : nullptr;
    std::chrono::steady_clock::time_point began;

    case_observer()
    {
        if (out != nullptr)
            boost::unit_test::framework::register_observer(*this);
    }
    int priority() override { return 1000; }

    unsigned char* reached()
    {
        weir_mutant(0);
        return weir_mutants.reached.load();
    }
    void write(const std::string& name)
    {
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        std::fprintf(out, "%s\t%.6f\t", name.c_str(), took.count());
        for (int k = 1; k < weir_mutant_switch::most; ++k)
            if (reached()[k] != 0)
                std::fprintf(out, " %d", k);
        std::fprintf(out, "\n");
        std::fflush(out);
        std::memset(reached(), 0, weir_mutant_switch::most);
    }
    void test_start(boost::unit_test::counter_t, boost::unit_test::test_unit_id) override
    {
        began = std::chrono::steady_clock::now();
        write("*"); // before the first case
    }
    void test_unit_start(const boost::unit_test::test_unit& unit) override
    {
        if (unit.p_type == boost::unit_test::TUT_CASE)
            began = std::chrono::steady_clock::now();
    }
    void test_unit_finish(const boost::unit_test::test_unit& unit, unsigned long) override
    {
        if (unit.p_type == boost::unit_test::TUT_CASE)
            write(unit.full_name());
    }
};
case_observer observer;

} // namespace
