#pragma once

#include <weir/detail/handler_wrapper.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/error.hpp>
#include <weir/http/open_response.hpp>
#include <weir/http/response.hpp>
#include <weir/sync/event.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace weir::http::detail {

/// A request of a client group, for its caller.
class group_call {
public:
    virtual ~group_call() = default;

    /// Happens when the request has ended, or has been opened.
    virtual event done() = 0;
    /// After that.
    virtual void take(response& into) = 0;
    virtual void take(open_response& into) = 0;
    /// From any thread: the request ends with class `aborted`, unless it has ended.
    virtual void cancel() = 0;
    /// The same from a caller that is gone: its sink is called no more when this returns.
    virtual void forsake() = 0;
};

/// Takes the result to the handler. One that is destroyed uncalled went with its own
/// context: nobody wants the response any more.
template <class Result, class Handler>
class group_handler : public weir::detail::handler_wrapper<Handler> {
public:
    static constexpr bool throws_without_memory = true;
    // The wait itself is not cancelled: the request is, and the wait goes on until it has ended.
    using cancellation_slot_type = boost::asio::cancellation_slot;

    group_handler(Handler&& own, std::shared_ptr<group_call> asked)
        : group_handler::handler_wrapper(std::move(own)), call_(std::move(asked))
    {
    }
    group_handler(group_handler&&) noexcept = default;
    group_handler& operator=(group_handler&&) = delete;
    ~group_handler()
    {
        if (call_)
            call_->forsake();
    }

    cancellation_slot_type get_cancellation_slot() const noexcept { return {}; }

    void operator()(const error_code&)
    {
        const auto ended = std::move(call_);
        auto slot = boost::asio::get_associated_cancellation_slot(this->handler);
        if (slot.is_connected())
            slot.clear();
        Result result;
        ended->take(result);
        std::move(this->handler)(std::move(result));
    }

private:
    std::shared_ptr<group_call> call_;
};

/// Calls the handler when the request has ended, which is to be sent after this. `fallback` is for
/// a handler without an executor.
template <class Result, class Handler>
void wait_for(std::shared_ptr<group_call> asked, const weir::detail::own_any_executor& fallback,
              Handler&& handler)
{
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected())
        slot.assign([weak = std::weak_ptr(asked)](boost::asio::cancellation_type type) {
            if ((type & boost::asio::cancellation_type::terminal) ==
                boost::asio::cancellation_type::none)
                return;
            if (const auto found = weak.lock())
                found->cancel();
        });
    event done = asked->done();
    weir::detail::event_access::wait(
        done, fallback,
        group_handler<Result, std::decay_t<Handler>>(std::move(handler), std::move(asked)));
}

} // namespace weir::http::detail
