#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/http/body.hpp>
#include <weir/http/body_receiver.hpp>
#include <weir/http/client_group_options.hpp>
#include <weir/http/detail/group_call.hpp>
#include <weir/http/network.hpp>
#include <weir/http/open_response.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>
#include <weir/run/runner_pool.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir::http {

namespace detail {
class group_order;
class group_state;
} // namespace detail

/// Makes requests on several threads, from any thread, under limits that hold for all together.
///
/// Shape: a client on each runner. The requests of one origin are made on one of them, so that
///        its connections are used again and `per_host` is exact; `client_group_options::spread`
///        gives one origin several. A request crosses to its runner, and again where a redirect
///        leads to the origin of another; nothing is held on the way. Sinks, receivers and sources
///        of bodies are called on that runner, but for `open_response`, which is the caller's.
/// Completion: `void(response)`
/// Errors: in `response::error`, as of a `client`. Class `aborted` when the group is destroyed, or
///         a runner's context, before the response was there.
/// Cancellation: terminal. It crosses too; the operation then ends when the exchange has ended,
///               with class `aborted`.
/// Handler: by its associated executor, or on the first runner, never inside the call.
/// Threads: safe from any thread.
/// Lifetime: the destructor ends all requests and does not wait for that. Runners, contexts of
///           handlers and group may go in any order. Where the context of a handler goes first, its
///           sink is called no more; a receiver must live until the runners have been joined. The
///           runners run as long as requests are made: as with any operation of Asio, one that is
///           begun after `runner_pool::join` waits for a thread that never comes.
/// Fairness: as of a `client` within an origin; origins of all runners take turns for `per_client`.
/// Memory: as of a `client` for each runner, and some hundred bytes for each request. Any number of
///         them may wait.
class client_group {
public:
    using executor_type = boost::asio::any_io_executor;
    /// Makes the network of a runner.
    using network_maker = std::function<std::shared_ptr<network>(const executor_type& runner)>;

    /// Throws `failed` (class `tls`) when `ca_file` cannot be read.
    explicit client_group(const runner_pool& runners,
                          const client_group_options& options = client_group_options());
    /// Over serial executors of yours, one for each client, and networks of yours. Also throws
    /// `std::invalid_argument` when there are none.
    explicit client_group(const std::vector<executor_type>& runners,
                          const client_group_options& options = client_group_options(),
                          const network_maker& lines = nullptr);
    client_group(const client_group&) = delete;
    client_group& operator=(const client_group&) = delete;
    ~client_group();

    /// That of the first runner.
    executor_type get_executor() const noexcept;

    /// Makes a request and follows redirects, as `client::async_request`.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_request(request what, Token&& token = Token())
    {
        return weir::detail::initiate<void(response)>(*this, token, start(), std::move(what));
    }

    /// As `client::async_get`.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_get(std::string url, Token&& token = Token())
    {
        return weir::detail::initiate<void(response)>(*this, token, start(), std::move(url));
    }

    /// As `client::async_request_into`. The sink is called on the runner of the request.
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

    /// As `client::async_open`. The body is pulled on any executor.
    ///
    /// Completion: `void(open_response)`
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_open(request what, Token&& token = Token())
    {
        return weir::detail::initiate<void(open_response)>(*this, token, start_open(),
                                                           std::move(what));
    }

    /// Closes the idle connections, soon: until then they keep `runner_pool::join` from returning,
    /// for at most `idle_timeout`.
    void close_idle();

private:
    using order = std::shared_ptr<detail::group_order>;

    struct start {
        template <class Handler, class... Args>
        void operator()(const client_group& self, Handler&& handler, Args&&... args) const
        {
            self.begin<response>(self.make(std::forward<Args>(args)...), std::move(handler));
        }
    };

    struct start_open {
        template <class Handler>
        void operator()(const client_group& self, Handler&& handler, request what) const
        {
            self.begin<open_response>(self.make_open(std::move(what)), std::move(handler));
        }
    };

    template <class Result, class Handler>
    void begin(const order& made, Handler&& handler) const
    {
        const auto state = state_; // the handler may destroy this object
        detail::wait_for<Result>(call_of(made), fallback(), std::move(handler));
        send(*state, made);
    }

    order make(request what) const;
    order make(std::string url) const;
    order make(request what, body_sink sink) const;
    order make(request what, body_receiver* to) const;
    order make_open(request what) const;
    static std::shared_ptr<detail::group_call> call_of(const order& made);
    static void send(detail::group_state& by, const order& made);
    const weir::detail::own_any_executor& fallback() const;

    std::shared_ptr<detail::group_state> state_;
};

} // namespace weir::http
