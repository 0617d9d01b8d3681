#pragma once

#include <weir/run/blocking_lane.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <utility>

namespace weir::test {

namespace asio = boost::asio;

inline weir::error_code code_of(const std::exception_ptr& error)
{
    try {
        if (error)
            std::rethrow_exception(error);
    } catch (const weir::system_error& e) {
        return e.code();
    }
    return {};
}

/// A lane over a context that runs when the test says so.
struct by_hand {
    explicit by_hand(weir::limit running = 1, std::size_t queue = weir::blocking_lane::unbounded)
        : io(std::make_unique<asio::io_context>(1)),
          lane(std::make_unique<weir::blocking_lane>(io->get_executor(), running, queue))
    {
    }

    template <class Handler>
    void begin(Handler handler)
    {
        const auto where = asio::get_associated_executor(handler, home);
        lane->async_run([] { return 7; }, asio::bind_executor(where, std::move(handler)));
    }

    void poll()
    {
        io->restart();
        io->poll();
    }

    asio::any_io_executor home; // of a handler that has no executor of its own
    std::unique_ptr<asio::io_context> io;
    std::unique_ptr<weir::blocking_lane> lane;
};

/// For the tests that every waiting operation has.
inline by_hand start(asio::any_io_executor executor)
{
    by_hand b;
    b.home = std::move(executor);
    return b;
}

} // namespace weir::test
