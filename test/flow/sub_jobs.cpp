// Jobs that a job submits: they have its name, its key and its deadline, and are cancelled with it.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/run/cancel.hpp>
#include <weir/time/sleep.hpp>

#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::cancel_reason;
using weir::job_context;
using weir::job_options;
using weir::pool_options;
using weir::status;

namespace {

struct sub_job {
    std::string name;
    std::string key;
    status ended = status::ok;
    cancel_reason why = cancel_reason::none;
    weir::time_point at;
};

// A job that takes 10 s, and submits one that takes 20 s to another pool.
struct parent_of {
    asio::awaitable<void> operator()(job_context& context)
    {
        job_options inherited = context.options();
        auto handle = co_await others.async_submit([] { return slow_forever(); }, inherited);
        const auto own = std::make_shared<weir::task<int>>(std::move(handle));
        // It may outlive this job, and the callable with it.
        const auto wait = [&to = seen, &world = s.world, own]() -> asio::awaitable<void> {
            auto out = co_await own->async_outcome();
            to.name = out.name();
            to.key = out.key();
            to.ended = out.status();
            to.why = out.reason();
            to.at = world.now();
        };
        s.spawn(s.b, wait);
        co_await weir::async_sleep_for(s.a.get_executor(), 10s);
    }

    static asio::awaitable<int> slow_forever()
    {
        const auto executor = co_await asio::this_coro::executor;
        co_await weir::async_sleep_for(executor, 20s);
        co_return 1;
    }

    simulation& s;
    weir::task_pool& others;
    sub_job& seen;
};

struct family {
    family(simulation& world, const pool_options& options)
        : s(world), parents({s.a.get_executor()}, options),
          others({s.b.get_executor()}, pool_options(2))
    {
    }

    template <class Then>
    void run(job_options options, Then then)
    {
        s.spawn([&]() -> asio::awaitable<void> {
            parent_of job{s, others, seen};
            auto handle = co_await parents.async_submit(job, options);
            co_await then(handle);
            const auto first = co_await parents.drain(60s);
            BOOST_TEST(first.complete);
            const auto second = co_await others.drain(60s);
            BOOST_TEST(second.complete);
        });
        s.run();
    }

    simulation& s;
    weir::task_pool parents;
    weir::task_pool others;
    sub_job seen;
};

asio::awaitable<void> nothing_else(weir::task<void>&)
{
    co_return;
}

} // namespace

BOOST_AUTO_TEST_SUITE(sub_jobs)

BOOST_AUTO_TEST_CASE(a_sub_job_has_the_name_and_key_and_outlives_the_end_of_its_parent)
{
    in_many_orders([](simulation& s) {
        family f(s, pool_options(1));
        f.run(job_options().name("order 7").key("a customer"), nothing_else);
        BOOST_TEST(f.seen.name == "order 7");
        BOOST_TEST(f.seen.key == "a customer");
        BOOST_TEST((f.seen.ended == status::ok));
    });
}

BOOST_AUTO_TEST_CASE(a_sub_job_never_has_a_later_deadline)
{
    in_many_orders([](simulation& s) {
        family f(s, pool_options(1).timeout(3s));
        f.run(job_options(), nothing_else);
        BOOST_TEST((f.seen.ended == status::timed_out));
        BOOST_TEST((f.seen.at - s.world.began() == 3s));
    });
}

BOOST_AUTO_TEST_CASE(a_sub_job_is_cancelled_with_its_parent)
{
    in_many_orders([](simulation& s) {
        family f(s, pool_options(1));
        f.run(job_options(), [&s](weir::task<void>& handle) -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            handle.cancel(cancel_reason::overload);
        });
        BOOST_TEST((f.seen.ended == status::cancelled));
        BOOST_TEST((f.seen.why == cancel_reason::overload));
        BOOST_TEST((f.seen.at - s.world.began() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(a_sub_job_hears_of_the_token_of_its_parent)
{
    in_many_orders([](simulation& s) {
        family f(s, pool_options(1));
        weir::cancel_source source;
        f.run(job_options().token(source.token()), [&](weir::task<void>&) -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 2s);
            source.cancel(cancel_reason::sibling_failed);
        });
        BOOST_TEST((f.seen.ended == status::cancelled));
        BOOST_TEST((f.seen.why == cancel_reason::sibling_failed));
        BOOST_TEST((f.seen.at - s.world.began() == 2s));
    });
}

// The worker that ran the parent runs another job when it is cancelled.
BOOST_AUTO_TEST_CASE(a_sub_job_does_not_hear_of_the_next_job_of_its_parents_worker)
{
    in_many_orders([](simulation& s) {
        family f(s, pool_options(1));
        f.run(job_options(), [&](weir::task<void>& handle) -> asio::awaitable<void> {
            const auto parent = co_await handle.async_outcome();
            BOOST_TEST((parent.status() == status::ok));
            auto next = co_await f.parents.async_submit([] { return slow(1); });
            co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
            next.cancel();
            const auto out = co_await next.async_outcome();
            BOOST_TEST((out.status() == status::cancelled));
        });
        BOOST_TEST((f.seen.ended == status::ok));
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_was_cancelled_before_it_asks_gives_a_cancelled_token)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks({s.a.get_executor()}, pool_options(1));
        s.spawn([&]() -> asio::awaitable<void> {
            cancel_reason found = cancel_reason::none;
            const auto job = [&](job_context& context) -> asio::awaitable<void> {
                try {
                    co_await weir::async_sleep_for(s.a.get_executor(), 10s);
                } catch (const weir::system_error&) {
                }
                found = context.options().token().reason();
            };
            auto handle = co_await tasks.async_submit(job);
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            handle.cancel(cancel_reason::overload);
            const auto out = co_await handle.async_outcome();
            BOOST_TEST((out.status() == status::ok));
            BOOST_TEST((found == cancel_reason::overload));
            co_await tasks.drain(1s);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_SUITE_END()
