#include <weir/run/cancel.hpp>

#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::cancel_reason;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(cancel)

BOOST_AUTO_TEST_CASE(the_first_reason_stays)
{
    weir::cancel_source source;
    const weir::cancel_token token = source.token();
    BOOST_TEST(!token.cancelled());
    BOOST_TEST(!source.cancel(cancel_reason::none));
    BOOST_TEST(source.cancel(cancel_reason::overload));
    BOOST_TEST(!source.cancel(cancel_reason::shutdown));
    BOOST_TEST(token.cancelled());
    BOOST_TEST((token.reason() == cancel_reason::overload));
    BOOST_TEST(std::string(to_string(token.reason())) == "overload");
}

BOOST_AUTO_TEST_CASE(a_token_without_a_source_is_never_cancelled)
{
    const weir::cancel_token token;
    BOOST_TEST(!token.cancelled());
    BOOST_TEST((token.reason() == cancel_reason::none));
}

BOOST_AUTO_TEST_CASE(the_emission_is_made_on_the_operations_own_executor)
{
    in_many_orders([](simulation& s) {
        weir::cancel_source source;
        weir::error_code ended;
        bool inside_cancel = false;
        auto link = std::make_unique<weir::cancel_link>(source.token(), s.a.get_executor());
        const auto on_end = [&](weir::error_code error) {
            BOOST_TEST(!inside_cancel);
            ended = error;
        };
        weir::async_sleep_for(s.a.get_executor(), 1h,
                              asio::bind_cancellation_slot(link->slot(), on_end));
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            inside_cancel = true;
            source.cancel();
            inside_cancel = false;
            co_return;
        });
        s.run();
        BOOST_TEST(ended == asio::error::operation_aborted);
        BOOST_TEST((s.elapsed() == 0s));
    });
}

BOOST_AUTO_TEST_CASE(a_link_to_a_source_that_was_cancelled_before_emits)
{
    simulation s(1);
    weir::cancel_source source;
    source.cancel();
    weir::cancel_link link(source.token(), s.a.get_executor());
    weir::error_code ended;
    weir::async_sleep_for(
        s.a.get_executor(), 1h,
        asio::bind_cancellation_slot(link.slot(), [&](weir::error_code e) { ended = e; }));
    s.run();
    BOOST_TEST(ended == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(a_link_that_is_gone_emits_nothing)
{
    in_many_orders([](simulation& s) {
        weir::cancel_source source;
        auto link = std::make_unique<weir::cancel_link>(source.token(), s.a.get_executor());
        source.cancel(); // under way, and must not arrive
        link.reset();
        s.run();
        BOOST_TEST(source.token().cancelled());
    });
}

BOOST_AUTO_TEST_CASE(waiting_for_a_token_ends_when_it_is_cancelled)
{
    in_many_orders([](simulation& s) {
        weir::cancel_source source;
        bool called = false;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            co_await source.token().async_wait(s.a.get_executor());
            called = true;
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.b.get_executor(), 1s);
            source.cancel();
        });
        s.run();
        BOOST_TEST(called);
    });
}

BOOST_AUTO_TEST_CASE(a_child_is_cancelled_with_its_parent_and_for_its_reason)
{
    weir::cancel_source parent;
    weir::cancel_source child(parent.token());
    weir::cancel_source grandchild(child.token());
    const weir::cancel_token token = grandchild.token();
    BOOST_TEST(!token.cancelled());
    parent.cancel(cancel_reason::shutdown);
    BOOST_TEST((child.token().reason() == cancel_reason::shutdown));
    BOOST_TEST((token.reason() == cancel_reason::shutdown));
}

BOOST_AUTO_TEST_CASE(cancelling_a_child_leaves_its_parent_and_its_own_reason_alone)
{
    weir::cancel_source parent;
    weir::cancel_source child(parent.token());
    child.cancel(cancel_reason::deadline);
    BOOST_TEST(!parent.token().cancelled());
    parent.cancel(cancel_reason::shutdown);
    BOOST_TEST((child.token().reason() == cancel_reason::deadline));
}

BOOST_AUTO_TEST_CASE(a_child_of_a_parent_that_was_cancelled_before_is_cancelled_at_once)
{
    weir::cancel_source parent;
    parent.cancel(cancel_reason::overload);
    const weir::cancel_source child(parent.token());
    BOOST_TEST((child.token().reason() == cancel_reason::overload));
}

BOOST_AUTO_TEST_CASE(cancelling_a_parent_skips_a_destroyed_child)
{
    weir::cancel_source parent;
    {
        const weir::cancel_source child(parent.token());
    }
    BOOST_TEST(parent.cancel());
}

// What it waits for must live as long as the wait, whether it has begun or not.
BOOST_AUTO_TEST_CASE(a_wait_on_a_token_without_a_source_lasts_until_cancelled)
{
    in_many_orders([](simulation& s) {
        asio::cancellation_signal signal;
        int calls = 0;
        {
            auto token = std::make_unique<weir::cancel_token>();
            BOOST_TEST(!token->can_be_cancelled());
            auto waiting = token->async_wait(s.a.get_executor(), asio::deferred);
            token.reset();
            std::move(waiting)(
                asio::bind_cancellation_slot(signal.slot(), [&calls](weir::error_code error) {
                    ++calls;
                    BOOST_CHECK(error == asio::error::operation_aborted);
                }));
        }
        s.world.run();
        BOOST_TEST(calls == 0);
        signal.emit(asio::cancellation_type::terminal);
        s.run();
        BOOST_TEST(calls == 1);
    });
}

// Each child costs a bounded number of steps, whether the others live or have gone.
BOOST_AUTO_TEST_CASE(many_children_cost_no_more_each)
{
    constexpr std::size_t many = 40'000;
    for (const bool they_stay : {true, false}) {
        const auto parent = std::make_shared<weir::detail::cancel_state>();
        std::vector<std::shared_ptr<weir::detail::cancel_state>> children;
        for (std::size_t i = 0; i < many; ++i) {
            auto child = std::make_shared<weir::detail::cancel_state>();
            parent->link(child);
            if (they_stay)
                children.push_back(std::move(child));
        }
        BOOST_TEST(parent->looked_at <= 4 * many);
        BOOST_TEST(parent->children.size() <= (they_stay ? many : 100U));
        BOOST_TEST(weir::detail::cancel_state::cancel(parent, cancel_reason::requested));
        for (const auto& child : children)
            BOOST_TEST_REQUIRE(child->fired.is_set());
    }
}

// Each is the parent of the next. One call within another for each of them would need more stack
// than there is.
BOOST_AUTO_TEST_CASE(a_chain_of_a_million_is_cancelled_to_its_end)
{
    std::vector<weir::cancel_source> chain(1);
    for (int i = 0; i < 1'000'000; ++i)
        chain.emplace_back(chain.back().token());
    BOOST_TEST(chain.front().cancel(cancel_reason::shutdown));
    BOOST_TEST((chain[500'000].token().reason() == cancel_reason::shutdown));
    BOOST_TEST((chain.back().token().reason() == cancel_reason::shutdown));
}

BOOST_AUTO_TEST_CASE(a_tree_is_cancelled_from_the_root_to_the_leaves)
{
    weir::cancel_source root;
    std::vector<weir::cancel_source> all;
    for (int i = 0; i < 3; ++i)
        all.emplace_back(root.token());
    for (std::size_t i = 0; i < 9; ++i)
        all.emplace_back(all[i].token());
    BOOST_TEST(all[1].cancel(cancel_reason::overload));
    BOOST_TEST(root.cancel());
    for (std::size_t i = 0; i < all.size(); ++i) {
        const bool first_cancelled = i == 1 || i == 4 || i == 7 || i == 10;
        BOOST_TEST((all[i].token().reason() ==
                    (first_cancelled ? cancel_reason::overload : cancel_reason::requested)));
    }
}

BOOST_AUTO_TEST_SUITE_END()
