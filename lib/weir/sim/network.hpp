#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/handler_wrapper.hpp>
#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/sim/context.hpp>
#include <weir/sim/stream.hpp>
#include <weir/sim/stream_options.hpp>
#include <weir/sim/world.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir::sim {

/// The names and servers that simulated code can reach.
///
/// Shape: say first what there is, then let the code under test look names up and connect. A name
///        that is not there is not found, and a connection to an endpoint that is not there is
///        refused, both at once.
/// Threads: the world's one.
/// Lifetime: the world and the contexts of the servers outlive it. Operations that wait may outlive
///           it; they end as they would have.
class network {
public:
    using endpoint = boost::asio::ip::tcp::endpoint;
    using addresses = std::vector<boost::asio::ip::address>;
    /// Called for each connection, as a step of the server's context.
    using server = std::function<void(stream)>;
    using executor_type = boost::asio::any_io_executor;

    explicit network(world& w);
    network(const network&) = delete;
    network& operator=(const network&) = delete;
    ~network();

    // ---- names

    /// Looking `name` up finds these addresses, after `delay`: those of a family it asks for.
    void add_name(std::string name, addresses found, duration delay = duration::zero());
    /// Looking up addresses of one family fails. A server of names that never answers:
    /// `host_not_found_try_again`, after as long as the resolver would wait for it.
    void fail_name(std::string name, boost::asio::ip::tcp family, error_code why,
                   duration delay = duration::zero());

    // ---- servers

    /// Connections to `at` succeed after a delay of `options`, which all bytes then have as well.
    void add_server(endpoint at, context& there, server serve,
                    const stream_options& options = stream_options());
    /// Connections to `at` fail after `delay`.
    void fail_server(endpoint at, error_code why, duration delay = duration::zero());
    /// Nothing answers at `at`: connections fail with `timed_out` after 127 seconds, which is what
    /// Linux does by default.
    void silence_server(endpoint at);

    /// How many streams may be open at a time, on this side; one more attempt to connect fails with
    /// `no_descriptors` (EMFILE). Default: any number.
    void limit_descriptors(std::size_t most);
    /// How many streams are open on this side, or wait to be connected.
    std::size_t descriptors() const noexcept;
    /// How many connections servers have accepted.
    std::size_t accepted() const noexcept;

    // ---- what the code under test does

    /// Looks up the addresses of one family.
    ///
    /// Completion: `void(error_code, addresses)`
    /// Errors: of `boost::asio::error`: `host_not_found`; `no_data` when the name has no address of
    ///         this family; `operation_aborted`; what `fail_name` says.
    /// Cancellation: terminal, partial and total.
    /// Handler: by its associated executor, or that of `here`; never inside this call.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_resolve(context& here, const std::string& name,
                                                boost::asio::ip::tcp family,
                                                Token&& token = Token())
    {
        return answer<void(error_code, addresses)>(here, look_up(name, family), token);
    }

    /// Connects to a server.
    ///
    /// Completion: `void(error_code, stream)`, where the stream is closed after an error.
    /// Errors: of `boost::asio::error`: `connection_refused`, `operation_aborted`; what
    ///         `fail_server` says; `no_descriptors`, see `limit_descriptors`.
    /// Cancellation: terminal, partial and total; the server does not see the attempt.
    /// Handler: by its associated executor, or that of `here`; never inside this call.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_connect(context& here, const endpoint& to,
                                                Token&& token = Token())
    {
        return answer<void(error_code, stream)>(here, attempt(here, to), token);
    }

private:
    class state;

    /// What an operation ends with, and when. `finish` makes the values, at the end.
    template <class Value>
    struct pending {
        duration delay;
        std::function<Value(error_code& error)> finish;
    };

    template <class Value, class Handler>
    struct finish_handler;

    pending<addresses> look_up(const std::string& name, boost::asio::ip::tcp family) const;
    pending<stream> attempt(context& here, const endpoint& to) const;

    template <class Signature, class Value, class Token>
    static auto answer(context& here, pending<Value> what, Token& token)
    {
        const auto start = [](const executor_type& executor, auto&& handler, pending<Value> own) {
            using finishing = finish_handler<Value, std::decay_t<decltype(handler)>>;
            const duration delay = own.delay;
            async_sleep_for(executor, delay, finishing(std::move(handler), std::move(own.finish)));
        };
        return weir::detail::initiate_at<Signature>(executor_type(here.get_executor()), token,
                                                    start, std::move(what));
    }

    std::shared_ptr<state> state_;
};

// -------------------------------------------------------------------------------------------------

template <class Value, class Handler>
struct network::finish_handler : weir::detail::handler_wrapper<Handler> {
    finish_handler(Handler&& h, std::function<Value(error_code&)> f)
        : weir::detail::handler_wrapper<Handler>(std::move(h)), finish(std::move(f))
    {
    }

    void operator()(error_code error)
    {
        // It may hold a descriptor, which the handler may close.
        Value value = std::exchange(finish, nullptr)(error);
        std::move(this->handler)(error, std::move(value));
    }

    std::function<Value(error_code&)> finish;
};

} // namespace weir::sim
