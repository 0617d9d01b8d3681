#pragma once

#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace weir::test {

/// An executor of a user's own: runs functions on an `io_context`, and knows while one of them
/// runs.
class custom_executor {
public:
    custom_executor(boost::asio::io_context& io, int& inside) : io_(&io), inside_(&inside) {}

    boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept
    {
        return *io_;
    }
    static constexpr auto query(boost::asio::execution::blocking_t) noexcept
    {
        return boost::asio::execution::blocking_t(boost::asio::execution::blocking.never);
    }

    template <class Function>
    void execute(Function function) const
    {
        boost::asio::post(*io_, [inside = inside_, f = std::move(function)]() mutable {
            ++*inside;
            std::move(f)();
            --*inside;
        });
    }

    bool operator==(const custom_executor&) const noexcept = default;

private:
    boost::asio::io_context* io_;
    int* inside_;
};

} // namespace weir::test
