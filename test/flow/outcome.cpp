#include <weir/flow/outcome.hpp>

#include <weir/flow/ledger.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>

using weir::outcome;
using weir::status;
using outcomes = weir::detail::outcome_access;

BOOST_AUTO_TEST_SUITE(outcome_of_a_job)

BOOST_AUTO_TEST_CASE(one_that_is_ok_has_a_value_and_no_error)
{
    auto o = outcomes::make_ok<std::unique_ptr<int>>(3, std::make_unique<int>(7));
    BOOST_TEST(bool(o));
    BOOST_TEST(o.id() == 3U);
    BOOST_TEST((o.status() == status::ok));
    BOOST_TEST(!o.error());
    BOOST_TEST(*o.value() == 7);
    BOOST_TEST(*std::move(o).value() == 7);
}

BOOST_AUTO_TEST_CASE(one_that_failed_throws_what_the_job_threw)
{
    auto o = outcomes::make<int>(1, status::failed, weir::cancel_reason::none,
                                 std::make_exception_ptr(std::runtime_error("no")));
    BOOST_TEST(!o);
    BOOST_CHECK_THROW(o.value(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(one_that_threw_nothing_says_why_it_has_no_value)
{
    auto o = outcomes::make<void>(1, status::dropped, weir::cancel_reason::shutdown);
    BOOST_CHECK_EXCEPTION(o.value(), weir::system_error, [](const weir::system_error& e) {
        return e.code() == weir::errc::closed;
    });
    BOOST_TEST((o.reason() == weir::cancel_reason::shutdown));
    BOOST_TEST(std::string(to_string(o.status())) == "dropped");
}

BOOST_AUTO_TEST_CASE(a_value_or_an_error_goes_with_it_when_it_moves)
{
    using own = outcome<std::unique_ptr<int>>;
    auto ok = outcomes::make_ok<std::unique_ptr<int>>(1, std::make_unique<int>(7));
    auto failed =
        outcomes::make<std::unique_ptr<int>>(2, status::failed, weir::cancel_reason::none,
                                             std::make_exception_ptr(std::logic_error("no")));
    own moved(std::move(ok));
    BOOST_TEST(*moved.value() == 7);
    moved = std::move(failed);
    BOOST_TEST(moved.id() == 2U);
    BOOST_CHECK_THROW(moved.value(), std::logic_error);
    moved = outcomes::make_ok<std::unique_ptr<int>>(3, std::make_unique<int>(9));
    BOOST_TEST(!moved.error());
    BOOST_TEST(*moved.value() == 9);
}

BOOST_AUTO_TEST_CASE(a_value_that_throws_when_it_is_half_made_leaves_an_error_that_can_be_set)
{
    struct half_made {
        half_made() { throw std::runtime_error("half"); }
        std::array<unsigned char, 64> bytes = ones();

        static std::array<unsigned char, 64> ones()
        {
            std::array<unsigned char, 64> all;
            all.fill(1); // where a pointer to an error would be
            return all;
        }
    };
    outcome<half_made> o;
    BOOST_CHECK_THROW(outcomes::make_value(o, [] { return half_made(); }), std::runtime_error);
    BOOST_TEST(!outcomes::has_value(o));
    outcomes::set_error(o, std::make_exception_ptr(std::logic_error("told")));
    outcomes::end(o, 1, status::failed, weir::cancel_reason::none);
    BOOST_CHECK_THROW(o.value(), std::logic_error);
}

BOOST_AUTO_TEST_CASE(a_ledger_adds_up)
{
    weir::ledger l;
    l.accepted = 10;
    l.rejected = 2;
    l.started = 8;
    l.ok = 3;
    l.failed = l.cancelled = l.timed_out = l.abandoned = l.dropped = 1;
    BOOST_TEST(l.submitted() == 12U);
    BOOST_TEST(l.finished() == 7U);
    BOOST_TEST(l.running() == 1U);
    BOOST_TEST(l.queued() == 1U);
    BOOST_TEST(!l.balanced());
}

BOOST_AUTO_TEST_SUITE_END()
