// A primitive that outlives the context of its own executor: a strand there, or any executor that
// is not the bare one of an io_context.
#include <weir/sync/channel.hpp>
#include <weir/sync/gate.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/sync/wait_group.hpp>

#include "support/custom_executor.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(own_executor)

// A context, its executors that are dropped with it, and another context, which stays.
class two_contexts {
public:
    template <class Make>
    explicit two_contexts(Make make)
    {
        own = make(*this);
    }

    void end_own()
    {
        io.reset();
        pool.reset();
    }

    /// A handler on the other context that keeps what it gets.
    template <class... Results>
    auto keep(std::optional<weir::error_code>& error, std::optional<Results>&... results)
    {
        return asio::bind_executor(other.get_executor(), [&](weir::error_code e, Results... got) {
            error = e;
            (results.emplace(std::move(got)), ...);
        });
    }

    std::unique_ptr<asio::io_context> io = std::make_unique<asio::io_context>();
    std::unique_ptr<asio::thread_pool> pool = std::make_unique<asio::thread_pool>(1);
    asio::io_context other;
    int inside = 0;
    asio::any_io_executor own;
};

template <class Test>
void with_each_executor(Test test)
{
    using make = std::function<asio::any_io_executor(two_contexts&)>;
    const make kinds[] = {
        [](two_contexts& c) { return asio::make_strand(*c.io); },
        [](two_contexts& c) {
            return asio::make_strand(asio::any_io_executor(c.io->get_executor()));
        },
        [](two_contexts& c) { return c.pool->get_executor(); },
        [](two_contexts& c) { return asio::make_strand(*c.pool); },
        [](two_contexts& c) { return weir::test::custom_executor(*c.io, c.inside); },
    };
    for (const make& kind : kinds) {
        two_contexts contexts(kind);
        test(contexts);
    }
}

// It has nowhere to go on: it is destroyed, not called.
template <class Begin>
void is_destroyed(Begin begin)
{
    auto alive = std::make_shared<int>(0);
    begin([alive](auto&&...) { BOOST_ERROR("called"); });
    BOOST_TEST(alive.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(a_semaphore_whose_context_is_gone_is_closed)
{
    with_each_executor([](two_contexts& c) {
        weir::semaphore limit(std::exchange(c.own, nullptr), 1);
        const weir::permit taken = limit.try_acquire();
        std::optional<weir::error_code> before, after;
        std::optional<weir::permit> first, second;
        limit.async_acquire(c.keep(before, first));
        c.end_own();
        BOOST_TEST(limit.is_closed());
        limit.async_acquire(c.keep(after, second));
        is_destroyed([&](auto handler) { limit.async_acquire(std::move(handler)); });
        is_destroyed([&](auto handler) {
            const asio::any_io_executor none;
            limit.async_acquire(asio::bind_executor(none, std::move(handler)));
        });
        is_destroyed([&](auto handler) {
            asio::any_completion_handler<void(weir::error_code, weir::permit)> erased(
                std::move(handler));
            limit.async_acquire(std::move(erased));
        });
        BOOST_TEST(!before.has_value()); // not inside a call
        BOOST_TEST(!after.has_value());
        c.other.run();
        BOOST_TEST((before.value() == weir::errc::closed));
        BOOST_TEST((after.value() == weir::errc::closed));
    });
}

BOOST_AUTO_TEST_CASE(a_channel_whose_context_is_gone_is_closed_and_loses_nothing)
{
    with_each_executor([](two_contexts& c) {
        int lost = 0;
        weir::channel<int> values(std::exchange(c.own, nullptr), 1, [&](int v) { lost += v; });
        BOOST_TEST(bool(values.try_send(1)));
        std::optional<weir::send_result<int>> before, after;
        const auto keep = [&](std::optional<weir::send_result<int>>& to) {
            return asio::bind_executor(c.other.get_executor(), [&to](weir::send_result<int> r) {
                to.emplace(std::move(r));
            });
        };
        values.async_send(2, keep(before));
        c.end_own();
        values.async_send(3, keep(after));
        is_destroyed([&](auto handler) { values.async_send(4, std::move(handler)); });
        BOOST_TEST(lost == 4);
        is_destroyed([&](auto handler) { values.async_receive(std::move(handler)); });
        is_destroyed([&](auto handler) { values.async_reserve(std::move(handler)); });
        std::optional<weir::error_code> error[2];
        std::optional<std::optional<int>> got[2];
        values.async_receive(c.keep(error[0], got[0]));
        c.other.run();
        c.other.restart();
        values.async_receive(c.keep(error[1], got[1]));
        c.other.run();
        BOOST_TEST((before.value().error() == weir::errc::closed));
        BOOST_TEST(before->value() == 2);
        BOOST_TEST((after.value().error() == weir::errc::closed));
        BOOST_TEST(after->value() == 3);
        BOOST_TEST(got[0].value().value() == 1); // what was buffered
        BOOST_TEST(!got[1].value().has_value()); // the end
        BOOST_TEST(!error[1].value());
        BOOST_TEST(lost == 4);
    });
}

BOOST_AUTO_TEST_CASE(a_gate_and_a_wait_group_go_on_without_their_context)
{
    with_each_executor([](two_contexts& c) {
        weir::gate door(c.own);
        weir::wait_group group(std::exchange(c.own, nullptr));
        weir::pass pass = door.try_enter();
        group.add();
        std::optional<weir::error_code> closed, before, after;
        door.async_close(c.keep(closed));
        group.async_wait(c.keep(before));
        c.end_own();
        group.async_wait(c.keep(after));
        is_destroyed([&](auto handler) { group.async_wait(std::move(handler)); });
        is_destroyed([&](auto handler) { door.async_close(std::move(handler)); });
        c.other.poll();
        BOOST_TEST(!closed.has_value());
        BOOST_TEST(!before.has_value());
        pass.leave();
        group.done();
        c.other.run();
        BOOST_TEST(!closed.value());
        BOOST_TEST(!before.value());
        BOOST_TEST(!after.value());
    });
}

// Typed executors have no empty state.
BOOST_AUTO_TEST_CASE(a_primitive_of_a_typed_strand_drops_it_once)
{
    using strand = asio::strand<asio::io_context::executor_type>;
    auto io = std::make_unique<asio::io_context>();
    weir::basic_semaphore<strand> outlives(asio::make_strand(*io), 1);
    {
        const weir::basic_semaphore<strand> goes_first(asio::make_strand(*io), 1);
    }
    weir::channel<int, strand> values(asio::make_strand(*io), 1);
    io.reset();
    BOOST_TEST(outlives.is_closed());
    BOOST_TEST(values.is_closed());
}

BOOST_AUTO_TEST_CASE(a_primitive_of_a_bare_io_context_stays_open_without_it)
{
    auto io = std::make_unique<asio::io_context>();
    asio::io_context other;
    weir::semaphore limit(io->get_executor(), 1);
    weir::basic_semaphore<asio::io_context::executor_type> typed(io->get_executor(), 1);
    io.reset();
    int granted = 0;
    auto handler = asio::bind_executor(
        other.get_executor(), [&](weir::error_code e, weir::permit) { granted += e ? 0 : 1; });
    limit.async_acquire(handler);
    typed.async_acquire(handler);
    other.run();
    BOOST_TEST(granted == 2);
}

struct maker {
    maker(std::optional<weir::semaphore>& to, asio::any_io_executor& from) : made(to), strand(from)
    {
    }
    maker(const maker&) = delete;
    maker& operator=(const maker&) = delete;
    ~maker() { made.emplace(std::exchange(strand, nullptr), 1); }

    std::optional<weir::semaphore>& made;
    asio::any_io_executor& strand;
};

// By a handler that the context destroys.
BOOST_AUTO_TEST_CASE(a_primitive_made_while_its_context_goes_is_closed)
{
    std::optional<weir::semaphore> made;
    asio::any_io_executor strand;
    {
        asio::io_context io;
        strand = asio::make_strand(io);
        auto own = std::make_unique<maker>(made, strand);
        weir::wait_group never(io.get_executor());
        never.add();
        never.async_wait([own = std::move(own)](weir::error_code) {});
    }
    BOOST_REQUIRE(made.has_value());
    BOOST_TEST(made->is_closed());
}

BOOST_AUTO_TEST_SUITE_END()
