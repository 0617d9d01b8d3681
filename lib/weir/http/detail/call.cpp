#include <weir/http/detail/call.hpp>

#include <weir/detail/serial.hpp>
#include <weir/http/detail/failure_of.hpp>
#include <weir/http/detail/recycled_frames.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/open_response.hpp>
#include <weir/http/response.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#if defined(WEIR_NO_ASIO_INTERNALS)
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#endif

#include <cstddef>
#include <exception>
#include <new>
#include <vector>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;

#if defined(WEIR_NO_ASIO_INTERNALS)
using root_coroutine = asio::awaitable<void>;
#else
/// Stands where `co_spawn` would put a coroutine of its own beneath ours, whose posts and executors
/// cost as much as all that the work needs.
using root_coroutine = asio::awaitable<asio::detail::awaitable_thread_entry_point>;
#endif

constexpr std::size_t most_kept = 256;

} // namespace

/// How a coroutine is cancelled. What Asio allocates in there stays for the next call, where the
/// last one has ended as it should: then nothing of it refers to an operation.
struct stop_line {
    asio::cancellation_signal signal;
};

namespace {

/// The lines of this thread that are not used.
class kept_lines {
public:
    kept_lines() = default;
    kept_lines(const kept_lines&) = delete;
    kept_lines& operator=(const kept_lines&) = delete;
    ~kept_lines() { gone_ = true; }

    static std::unique_ptr<stop_line> take()
    {
        if (gone_ || mine().empty())
            return std::make_unique<stop_line>();
        auto line = std::move(mine().back());
        mine().pop_back();
        return line;
    }
    static void keep(std::unique_ptr<stop_line> line) noexcept
    {
        try {
            if (!gone_ && mine().size() < most_kept)
                mine().push_back(std::move(line));
        } catch (const std::bad_alloc&) {
            // then it is not kept
        }
    }

private:
    using all = std::vector<std::unique_ptr<stop_line>>;

    static all& mine()
    {
        thread_local kept_lines lines;
        return lines.lines_;
    }

    static inline constinit thread_local bool gone_ = false; // outlives the object itself

    all lines_;
};

void fail(response& into, const std::exception_ptr& error)
{
    into = failed_response(error);
}

void fail(hop& into, const std::exception_ptr& error)
{
    into.answer = failed_response(error);
    into.next.reset();
}

void fail(open_response& into, const std::exception_ptr& error)
{
    into = open_response(failed_response(error));
}

} // namespace

/// The coroutine of a call, before it runs and while it does.
template <class T>
class call<T>::runner {
public:
    runner(std::shared_ptr<call> of, asio::awaitable<void> work)
        : of_(std::move(of)), work_(std::move(work))
    {
    }

    void operator()()
    {
        const any_executor executor = of_->executor_;
        stop_line& stop = *of_->stop_;
#if defined(WEIR_NO_ASIO_INTERNALS)
        // co_spawn's own frame clears the slot after ours has ended.
        auto on_end = [alive = of_](const std::exception_ptr& error) {
            if (error)
                std::rethrow_exception(error);
        };
        asio::co_spawn(executor, run(std::move(of_), std::move(work_)),
                       asio::bind_cancellation_slot(stop.signal.slot(), std::move(on_end)));
#else
        using handler = asio::detail::awaitable_handler<any_executor, void>;
        const auto slot = stop.signal.slot();
        handler(run(std::move(of_), std::move(work_)), executor, slot,
                asio::cancellation_state(slot))
            .launch();
#endif
    }

    static root_coroutine run(std::shared_ptr<call> self, asio::awaitable<void> work);

private:
    std::shared_ptr<call> of_;
    asio::awaitable<void> work_;
};

template <class T>
inline constexpr bool recycles_frames<std::shared_ptr<call<T>>> = true;

// Boost 1.81 loses a coroutine that is cancelled before its first suspension, and one that is found
// cancelled when it ends: as in `scope`.
template <class T>
root_coroutine call<T>::runner::run(std::shared_ptr<call> self, asio::awaitable<void> work)
{
    struct reachable {
        explicit reachable(bool& f) noexcept : flag(f) { flag = true; }
        ~reachable() { flag = false; }
        bool& flag;
    };
    const reachable here(self->is_reachable_);
    std::exception_ptr error;
    try {
        if (self->cancelled_)
            throw boost::system::system_error(asio::error::operation_aborted);
        co_await std::move(work);
    } catch (...) {
        error = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    if (error)
        fail(self->value_, error);
    self->ended_ = true;
    self->complete(self);
}

template <class T>
call<T>::call(any_executor executor) : executor_(std::move(executor)), stop_(kept_lines::take())
{
}

template <class T>
call<T>::~call()
{
#if !defined(WEIR_NO_ASIO_INTERNALS)
    if (ended_ && !cancelled_)
        kept_lines::keep(std::move(stop_));
#endif
}

template <class T>
void call<T>::begin(asio::awaitable<void> work)
{
    listen();
    const any_executor executor = executor_;
    runner all(this->shared_from_this(), std::move(work));
    if (weir::detail::runs_here(executor))
        all();
    else
        asio::dispatch(executor, std::move(all));
}

template <class T>
void call<T>::listen()
{
    auto own = slot();
    if (!own.is_connected())
        return;
    // Weak: the signal may belong to what the handler owns.
    own.assign([weak = this->weak_from_this(), executor = executor_](auto type) {
        if ((type & asio::cancellation_type::terminal) == asio::cancellation_type::none ||
            is_over(weak))
            return;
        asio::dispatch(executor, [weak] {
            if (const auto self = weak.lock())
                self->cancel();
        });
    });
}

template <class T>
void call<T>::cancel()
{
    cancelled_ = true;
    if (is_reachable_)
        stop_->signal.emit(asio::cancellation_type::terminal);
}

template class call<hop>;
template class call<response>;
template class call<open_response>;

} // namespace weir::http::detail
