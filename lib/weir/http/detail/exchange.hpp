#pragma once

#include <weir/http/body.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/detail/response_reader.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/io_step.hpp>
#include <weir/http/request.hpp>
#include <weir/time/clock.hpp>

#include <string>
#include <string_view>

namespace weir::http::detail {

/// One exchange on one connection: decides what its caller does next. It uses no socket and no
/// clock.
///
/// Shape: send `head`; then do what `next` says and report it with `took`, until `next` is `done`.
///        The response goes to `into` and to the sink.
/// Errors: in `into.answer.error`.
/// Lifetime: `asked`, `options` and `into` outlive it.
class exchange {
public:
    enum class action {
        wait, ///< wait until the connection is readable, then read
        turn, ///< let other work on the executor run, then read
        read, ///< read now
        done  ///< the exchange has ended
    };
    /// What to do with the connection, and whether to begin again.
    enum class ending {
        keep,  ///< the connection may carry another exchange
        close, ///< the connection must be closed
        retry  ///< close it, and make the exchange again on a new one
    };

    exchange(const request& asked, const client_options& options, const body_sink& sink,
             time_point started, hop& into);

    /// The header to send. A server may answer and close before it has read all of it, so an error
    /// of sending it does not end the exchange.
    std::string head() const;

    action next() const noexcept { return next_; }

    /// Reports a read: `bytes` are those of `step`. `more_likely` says that more may have arrived
    /// already.
    void took(const io_step& step, std::string_view bytes, bool more_likely, time_point now);

    /// After `done`.
    ending how() const noexcept { return how_; }

private:
    response_reader::state head_arrived(std::string_view& bytes, time_point now);
    bool may_try_again() const;
    void end(response_reader::state at);

    const request& asked_;
    const client_options& options_;
    time_point started_;
    hop& into_;
    response_reader reader_;
    action next_ = action::wait;
    unsigned reads_ = 0;
    bool stale_ = false; // the connection was, and not the request's
    ending how_ = ending::close;
};

} // namespace weir::http::detail
