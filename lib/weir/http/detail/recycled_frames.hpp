#pragma once

#include <weir/http/detail/recycled.hpp>

#include <boost/asio/awaitable.hpp>

#include <coroutine>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace weir::http::detail {

/// Whether coroutines with a first parameter of this type (of a member function: its object) have
/// frames of `recycled_blocks`. Asio recycles two frames for each thread, and none above 1,020
/// bytes; a request has more, and larger ones.
///
/// The names of Asio that this takes are private ones, which `use_awaitable` is made of. With
/// `WEIR_NO_ASIO_INTERNALS` defined, frames are Asio's.
template <class First>
inline constexpr bool recycles_frames = false;

#if !defined(WEIR_NO_ASIO_INTERNALS)

/// Asio's own promise, in other memory.
template <class T, class Executor>
class recycled_frame : public boost::asio::detail::awaitable_frame<T, Executor> {
    using asio_frame = boost::asio::detail::awaitable_frame<T, Executor>;

public:
    static void* operator new(std::size_t size) { return recycled_blocks::allocate(size); }
    static void operator delete(void* frame, std::size_t size) noexcept
    {
        recycled_blocks::deallocate(frame, size);
    }

    using asio_frame::await_transform;
    template <class U>
    auto await_transform(boost::asio::awaitable<U, Executor> work) const
    {
        return awaited<U>(asio_frame::await_transform(std::move(work)));
    }

private:
    /// An awaitable accepts only a handle to Asio's promise, which is the same handle.
    template <class U>
    class awaited {
    public:
        explicit awaited(boost::asio::awaitable<U, Executor> work) noexcept : work_(std::move(work))
        {
        }
        bool await_ready() const noexcept { return work_.await_ready(); }
        void await_suspend(std::coroutine_handle<recycled_frame> by)
        {
            work_.await_suspend(std::coroutine_handle<asio_frame>::from_address(by.address()));
        }
        U await_resume() { return work_.await_resume(); }

    private:
        boost::asio::awaitable<U, Executor> work_;
    };
};

#endif

} // namespace weir::http::detail

#if !defined(WEIR_NO_ASIO_INTERNALS)

template <class T, class Executor, class First, class... Rest>
requires weir::http::detail::recycles_frames<std::remove_cvref_t<First>>
struct std::coroutine_traits<boost::asio::awaitable<T, Executor>, First, Rest...> {
    using promise_type = weir::http::detail::recycled_frame<T, Executor>;
};

#endif
