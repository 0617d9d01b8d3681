#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/http/body.hpp>
#include <weir/http/body_receiver.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/detail/call.hpp>
#include <weir/http/exchange_watcher.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/network.hpp>
#include <weir/http/open_response.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace weir::http {

namespace detail {
class resident_client;
}

/// Makes HTTP/1.1 requests over http and https, and keeps connections for the next request.
///
/// Shape: `async_request` and `async_get` give a response with its whole body;
///        `async_request_into` passes the body on, in parts, and `async_open` lets it be pulled.
///        They follow redirects; `step` makes one exchange, and tells where a redirect leads. At
///        most `per_host` exchanges of one origin run at a time; others wait. Nothing is held
///        while a redirect leads to another origin.
/// Completion: `void(response)`
/// Errors: in `response::error`. Nothing throws for what the network, the server or a sink did.
/// Cancellation: terminal. The exchange ends with class `aborted` and its connection is closed.
/// Handler: by its associated executor, never inside the call.
/// Threads: one serial executor; every call is made there. Handlers may have other executors.
/// Lifetime: running calls may outlive the client, and go on without it. Its context may go before
///           it: that closes the connections and drops the calls; one that begins later ends with
///           class `aborted`, if its handler has an executor. The context of a handler's own
///           executor outlives the call (for a `client_group` it need not). Neither the
///           destructor nor the context's waits for a look-up.
/// Fairness: exchanges of one origin start in the order of their calls.
/// Memory: one 64 KiB buffer for all connections; a connection keeps only the part of a header
///         that has arrived so far, and what its receiver has not taken yet (`max_held_bodies`).
class client {
public:
    using executor_type = boost::asio::any_io_executor;

    /// Throws `failed` (class `tls`) when `ca_file` cannot be read, and `std::invalid_argument`
    /// when the executor is empty. `lines` is where connections come from, by default the system's
    /// sockets.
    explicit client(executor_type executor, client_options options = client_options(),
                    std::shared_ptr<network> lines = nullptr);
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client();

    /// Empty when its context is gone.
    executor_type get_executor() const noexcept;

    /// Makes a request and follows redirects: `co_await client.async_request(ask)`. The body is in
    /// `response::body`; one that is larger than `max_kept_body` ends with class `too_large`. The
    /// times and bytes are those of the last exchange, except for `timings.total`, which spans all.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_request(request what, Token&& token = Token())
    {
        return weir::detail::initiate<void(response)>(*this, token, start(), std::move(what));
    }

    /// As `async_request`, a GET of this URL. Text that is no URL ends with class `bad_url`.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_get(std::string url, Token&& token = Token())
    {
        return weir::detail::initiate<void(response)>(*this, token, start(), std::move(url));
    }

    /// As `async_request`, but the body goes to `sink`, a body of any size; without one it is
    /// counted and discarded.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_request_into(request what, body_sink sink,
                                                     Token&& token = Token())
    {
        return weir::detail::initiate<void(response)>(*this, token, start(), std::move(what),
                                                      std::move(sink));
    }

    /// The same with a receiver that may wait; it must live until the operation has ended.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_request_into(request what, body_receiver& to,
                                                     Token&& token = Token())
    {
        return weir::detail::initiate<void(response)>(*this, token, start(), std::move(what), &to);
    }

    /// As `async_request`, but completes with the header of the response; its body is pulled.
    ///
    /// Completion: `void(open_response)`
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_open(request what, Token&& token = Token())
    {
        return weir::detail::initiate<void(open_response)>(*this, token, start_open(),
                                                           std::move(what));
    }

    /// Makes one exchange: follows no redirect and fetches no rest, but tells where a redirect
    /// leads. The body goes to `sink` as in `async_request_into`; that of a redirect goes nowhere.
    boost::asio::awaitable<hop> step(request what, body_sink sink);
    /// The same; `head` sees the header before, and `watcher` all of it; either may be null.
    boost::asio::awaitable<hop> step(request what, head_sink head, body_sink sink,
                                     std::shared_ptr<exchange_watcher> watcher = nullptr);

    /// How many connections are idle.
    std::size_t idle() const noexcept;
    /// Whether a request to this origin (`url::origin`) would have a connection at once, as far as
    /// is known.
    bool has_idle(const std::string& origin) const;
    /// How many connections are idle, in use, or being made.
    std::size_t connections() const noexcept;

    /// Closes the idle connections, and those being made that no request waits for. Until then they
    /// keep `io_context::run` from returning: an idle one for at most `idle_timeout`, the others
    /// for at most `connect_timeout` more.
    void close_idle();

private:
    friend class fetcher;
    using step_call = std::shared_ptr<detail::call<hop>>;
    using response_call = std::shared_ptr<detail::call<response>>;
    using open_call = std::shared_ptr<detail::call<open_response>>;

    struct start {
        template <class Handler, class... Args>
        void operator()(const client& self, Handler&& handler, Args&&... args) const
        {
            if (const executor_type home = self.home_of(handler))
                self.begin(std::forward<Args>(args)...,
                           detail::make_call<response>(home, std::move(handler)));
        }
    };

    struct start_open {
        template <class Handler>
        void operator()(const client& self, Handler&& handler, request what) const
        {
            if (const executor_type home = self.home_of(handler))
                self.begin(std::move(what),
                           detail::make_call<open_response>(home, std::move(handler)));
        }
    };

    struct start_step {
        template <class Handler>
        void operator()(const client& self, Handler&& handler, request what, head_sink head,
                        body_sink sink, std::shared_ptr<exchange_watcher> watcher,
                        std::weak_ptr<detail::call<hop>>* running) const
        {
            const executor_type home = self.home_of(handler);
            if (!home)
                return;
            const auto whole = detail::make_call<hop>(home, std::forward<Handler>(handler));
            if (running != nullptr)
                *running = whole;
            self.begin(std::move(what), std::move(head), std::move(sink), std::move(watcher),
                       whole);
        }
    };

    /// Where a call runs: on the client's executor. When its context is gone the call ends at once,
    /// where the handler is called; empty for a handler that has no executor, which is dropped.
    template <class Handler>
    executor_type home_of(const Handler& handler) const
    {
        const executor_type own = get_executor();
        return own ? own : executor_type(weir::detail::executor_for(handler, own));
    }

    /// The same as the public one, with a way to cancel it.
    boost::asio::awaitable<hop> step(request what, head_sink head, body_sink sink,
                                     std::shared_ptr<exchange_watcher> watcher,
                                     std::weak_ptr<detail::call<hop>>* running);

    template <class T>
    bool ends_at_once(const std::shared_ptr<detail::call<T>>& whole) const;
    void begin(request what, head_sink head, body_sink sink,
               std::shared_ptr<exchange_watcher> watcher, const step_call& whole) const;
    void begin(request what, const response_call& whole) const;
    void begin(std::string url, const response_call& whole) const;
    void begin(request what, body_sink sink, const response_call& whole) const;
    void begin(request what, body_receiver* to, const response_call& whole) const;
    void begin(request what, const open_call& whole) const;

    std::unique_ptr<detail::resident_client> inside_;
};

} // namespace weir::http
