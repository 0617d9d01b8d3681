#pragma once

#include <boost/asio/associator.hpp>

#include <concepts>
#include <utility>

namespace weir::detail {

/// The base of handlers that do something and then call the user's `handler`. The wrapper keeps the
/// executor, allocator and cancellation slot of the handler it wraps.
template <class Handler>
struct handler_wrapper {
    using wrapped_handler = Handler;

    explicit handler_wrapper(Handler&& h) : handler(std::move(h)) {}

    Handler handler;
};

template <class T>
concept wraps_handler = requires
{
    typename T::wrapped_handler;
    requires std::derived_from<T, handler_wrapper<typename T::wrapped_handler>>;
};

} // namespace weir::detail

template <template <class, class> class Associator, weir::detail::wraps_handler Wrapper,
          class Default>
struct boost::asio::associator<Associator, Wrapper, Default>
    : Associator<typename Wrapper::wrapped_handler, Default> {
    static auto get(const Wrapper& w) noexcept
    {
        return Associator<typename Wrapper::wrapped_handler, Default>::get(w.handler);
    }
    static auto get(const Wrapper& w, const Default& d) noexcept
    {
        return Associator<typename Wrapper::wrapped_handler, Default>::get(w.handler, d);
    }
};
