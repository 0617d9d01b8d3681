#pragma once

#include <weir/http/client_options.hpp>
#include <weir/http/detail/body_outlet.hpp>
#include <weir/http/detail/memory_account.hpp>
#include <weir/http/detail/response_reader.hpp>
#include <weir/http/detail/upload.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/io_step.hpp>
#include <weir/http/request.hpp>
#include <weir/http/request_options.hpp>
#include <weir/time/clock.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// One exchange on one connection: decides what its caller does next. It uses no socket and no
/// clock.
///
/// Shape: send `head`, and the body beside what follows. Do what `next` says and report it with
///        `took`, until `next` is `done`. What the response has to do with the sending of the
///        body goes to `sending`.
///        The response goes to `into`, and its body to the outlet.
/// Errors: in `into.answer.error`.
/// Lifetime: what it is made from outlives it.
class exchange {
public:
    enum class action {
        wait,   ///< wait until the connection is readable, then read
        turn,   ///< let other work on the executor run, then read
        read,   ///< read now
        resume, ///< let other work run, then call `resume`: more is to be decoded of what was read
        done    ///< the exchange has ended
    };
    /// What to do with the connection. Whether to begin again follows from
    /// `into.answer.processed`.
    enum class ending {
        keep, ///< the connection may carry another exchange
        close ///< the connection must be closed
    };

    exchange(const request& asked, const client_options& options, const request_options& limits,
             upload& sending, body_outlet& to, time_point started, hop& into,
             memory_account* decoders = nullptr);

    /// The header to send. A server may answer and close before it has read all of it, so an error
    /// of sending it does not end the exchange.
    std::string head() const;
    /// The same behind what `out` holds.
    void append_head(std::string& out) const;

    action next() const noexcept { return next_; }
    /// Whether the request is still being sent.
    bool is_sending() const noexcept { return !sending_.complete() && !sending_.stopped(); }
    /// Whether the header of the response has arrived.
    bool has_head() const noexcept { return has_head_; }
    /// Whether what still comes is read for the sake of the connection alone.
    bool is_discarding() const noexcept { return into_.next.has_value(); }

    /// Reports a read: `bytes` are those of `step`. `more_likely` says that more may have arrived
    /// already.
    void took(const io_step& step, std::string_view bytes, bool more_likely, time_point now);

    /// Decodes more of what the last read gave. A read of 64 KiB may hold 64 MB of text.
    void resume(time_point now);

    /// After `done`: whether the body went to the outlet, all of it.
    bool is_whole() const noexcept { return is_whole_; }
    /// After `done`, and when nothing is being sent any more: a good answer may come first.
    ending how() const noexcept
    {
        return may_keep_ && sending_.complete() ? ending::keep : ending::close;
    }

private:
    void connection_ended(const error_code& how);
    void feed(std::string_view bytes, time_point now);
    response_reader::state feed_some(std::string_view& bytes, time_point now);
    response_reader::state head_arrived(time_point now);
    response_reader::state after_discarded() const;
    void ask_without_expect();
    std::optional<failure> redirect_to(request next);
    void end(response_reader::state at);

    const request& asked_;
    const client_options& options_;
    const request_options& limits_;
    time_point started_;
    upload& sending_;
    body_outlet& to_;
    hop& into_;
    std::string_view codings_; // that are asked for
    response_reader reader_;
    action next_ = action::wait;
    action after_feed_ = action::wait;
    std::string rest_; // of the last read, to be decoded
    unsigned reads_ = 0;
    bool has_head_ = false;
    bool is_whole_ = false;
    bool stale_ = false;    // a 408 to a connection that was idle, and not to the request
    bool may_keep_ = false; // once the request was sent
};

} // namespace weir::http::detail
