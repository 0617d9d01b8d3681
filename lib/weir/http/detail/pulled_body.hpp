#pragma once

#include <weir/error.hpp>
#include <weir/http/body_receiver.hpp>
#include <weir/http/response.hpp>
#include <weir/sync/wait_group.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace weir::http::detail {

/// Wakes the one coroutine that waits for it. A ring before the wait is remembered.
class bell {
public:
    explicit bell(boost::asio::any_io_executor executor) : silence_(std::move(executor))
    {
        silence_.add();
    }

    void ring()
    {
        if (!std::exchange(rung_, true))
            silence_.done();
    }
    /// Throws operation_aborted when cancelled.
    boost::asio::awaitable<void> wait();

private:
    wait_group silence_; // one until it is rung
    bool rung_ = false;
};

/// Between a request, which writes its body here, and who pulls it: hands over one part at a time.
///
/// Threads: one serial executor.
/// Lifetime: shared by both. The request is cancelled through `stop` when its reader has gone.
class pulled_body final : public body_receiver {
public:
    explicit pulled_body(const boost::asio::any_io_executor& executor)
        : news_(executor), taken_(executor)
    {
    }

    // For the request.
    boost::asio::awaitable<error_code> begin(std::uint64_t offset, const response& head) override;
    boost::asio::awaitable<error_code> write(std::string_view part) override;
    /// It has ended, or its context has destroyed it.
    void ended(response whole);
    boost::asio::cancellation_slot stop() noexcept { return stop_.slot(); }

    // For who pulls.
    /// Waits for the header, or for the end of a request that got none.
    boost::asio::awaitable<void> opened();
    const response& answer() const noexcept { return answer_; }
    boost::asio::awaitable<std::string_view> next();
    void abandon() noexcept;

private:
    response answer_;
    bool begun_ = false;
    bool over_ = false;
    std::string kept_;
    std::string_view part_; // of that; empty: none, or it was taken
    bool given_ = false;
    bell news_;  // for who pulls
    bell taken_; // for the request
    boost::asio::cancellation_signal stop_;
};

} // namespace weir::http::detail
