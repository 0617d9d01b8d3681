#pragma once

#include <weir/detail/own_executor.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/detail/client_limits.hpp>
#include <weir/http/detail/client_state.hpp>
#include <weir/http/network.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <utility>

namespace weir::http::detail {

/// What a client is, until its execution context goes: sockets and strands do not outlive that.
///
/// Threads: as `client_state`. The context may be destroyed on another thread.
/// Lifetime: any. Calls that run keep the state as long as the context lets them.
class resident_client {
public:
    resident_client(const boost::asio::any_io_executor& executor, client_options options,
                    std::shared_ptr<network> lines, group_part part = group_part())
        : inside_(std::make_shared<inside>(std::make_shared<client_state>(
              executor, std::move(options), std::move(lines), std::move(part)))),
          home_(
              executor, inside_, [](void* kept) noexcept { static_cast<inside*>(kept)->reset(); },
              weir::detail::own_any_executor::bare::is_dropped)
    {
    }

    /// Null when its context is gone, and after `reset`.
    const std::shared_ptr<client_state>& state() const noexcept { return *inside_; }
    void reset() noexcept { inside_->reset(); }

    /// Is told when the context goes.
    weir::detail::own_any_executor& home() noexcept { return home_; }
    const weir::detail::own_any_executor& home() const noexcept { return home_; }

private:
    using inside = std::shared_ptr<client_state>;

    const std::shared_ptr<inside> inside_;
    weir::detail::own_any_executor home_;
};

} // namespace weir::http::detail
