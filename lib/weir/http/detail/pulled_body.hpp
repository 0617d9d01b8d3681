#pragma once

#include <weir/error.hpp>
#include <weir/http/body_receiver.hpp>
#include <weir/http/response.hpp>
#include <weir/sync/wait_group.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir::http::detail {

/// Wakes the one coroutine that waits for it. A ring before the wait is remembered. Wakes too often
/// rather than never: who is woken looks again.
///
/// Threads: safe from any thread.
class bell {
public:
    explicit bell(boost::asio::any_io_executor executor) : silence_(std::move(executor))
    {
        silence_.add();
    }

    void ring()
    {
        if (!rung_.exchange(true))
            silence_.done();
    }
    /// Throws operation_aborted when cancelled.
    boost::asio::awaitable<void> wait();

private:
    wait_group silence_; // one until it is rung
    std::atomic<bool> rung_{false};
};

/// Between a request, which writes its body here, and who pulls it: hands over one part at a time.
///
/// Threads: the request has one, who pulls has one; they may be two.
/// Lifetime: shared by both. The request is cancelled when its reader has gone.
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
    /// Cancels it, where who pulls has the same thread.
    boost::asio::cancellation_slot stop() noexcept { return stop_.slot(); }

    // For a request on another thread, before it begins.
    /// `opened` is called by the request when there is an answer, `stop` by who pulls no more.
    void between_threads(std::function<void()> opened, std::function<void()> stop)
    {
        tell_opened_ = std::move(opened);
        stop_there_ = std::move(stop);
    }

    // For who pulls.
    /// Waits for the header, or for the end of a request that got none.
    boost::asio::awaitable<void> opened();
    /// Takes over what is known of the answer; false when there is none yet.
    bool look();
    /// What is known of it now.
    const response& answer()
    {
        look();
        return shown_;
    }
    boost::asio::awaitable<std::string_view> next();
    void abandon() noexcept;

private:
    void tell(response news, bool over);
    void offer(std::string_view part);
    bool is_taken();
    void take();
    void show();
    std::optional<std::string_view> offered();
    bool is_over();

    std::mutex mutex_;
    response answer_; // what is new of it
    bool is_new_ = false;
    bool begun_ = false;
    bool over_ = false;
    std::string kept_;
    std::string_view part_; // of that; empty: none, or it was taken
    // Of who pulls:
    response shown_;
    bool given_ = false;
    bool is_waited_for_ = false; // by a call of `next`
    bell news_;                  // for who pulls
    bell taken_;                 // for the request
    std::function<void()> tell_opened_;
    std::function<void()> stop_there_;
    boost::asio::cancellation_signal stop_;
};

} // namespace weir::http::detail
