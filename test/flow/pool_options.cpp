// What a pool's constructor refuses, and the sentence it says.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using namespace weir::test;

namespace {

auto says(const std::string& words)
{
    return [words](const std::invalid_argument& e) {
        return std::string(e.what()).find(words) != std::string::npos;
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(options_of_a_pool)

BOOST_AUTO_TEST_CASE(a_report_of_stuck_jobs_without_a_timeout_is_refused)
{
    simulation s(1);
    const auto report = [](const weir::stuck_job&) {};
    const auto options = weir::pool_options(1).on_stuck(report);
    BOOST_CHECK_EXCEPTION(int_pool(both(s), options, twice_after_a_second), std::invalid_argument,
                          says("on_stuck"));
    BOOST_CHECK_EXCEPTION(weir::task_pool(both(s), options), std::invalid_argument,
                          says("needs a timeout"));
    auto with_timeout = options;
    weir::task_pool tasks(both(s), with_timeout.timeout(1s));
    tasks.close();
    s.run();
}

BOOST_AUTO_TEST_SUITE_END()
