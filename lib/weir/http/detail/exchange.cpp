#include <weir/http/detail/exchange.hpp>

#include <weir/http/headers.hpp>
#include <weir/http/redirect.hpp>
#include <weir/http/response.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace weir::http::detail {
namespace {

/// How much of a redirect's body is read to keep its connection; a longer one closes it.
constexpr std::uint64_t redirect_body = 64 * 1024;
/// Reads in a row before other work on the executor gets a turn.
constexpr unsigned read_budget = 16;

response_limits limits_of(const client_options& options)
{
    response_limits limits;
    limits.header_bytes = options.max_header();
    limits.body_bytes = options.max_body();
    return limits;
}

} // namespace

exchange::exchange(const request& asked, const client_options& options, const body_sink& sink,
                   time_point started, hop& into)
    : asked_(asked), options_(options), started_(started), into_(into),
      reader_(asked.method(), limits_of(options), sink, into.answer)
{
}

std::string exchange::head() const
{
    return wire_header(asked_, options_.user_agent());
}

void exchange::took(const io_step& step, std::string_view bytes, bool more_likely, time_point now)
{
    using reader_state = response_reader::state;
    const bool ended = step.what == io_step::state::end || step.what == io_step::state::failed;
    auto at = ended ? reader_.end(step.error) : reader_.feed(bytes);
    if (at == reader_state::head)
        at = head_arrived(bytes, now);
    ++reads_;
    if (at == reader_state::more) {
        const action again = (reads_ + 1) % read_budget == 0 ? action::turn : action::read;
        next_ = step.what == io_step::state::done && more_likely ? again : action::wait;
        return;
    }
    end(at);
}

/// Returns what the reader makes of the bytes behind the header.
response_reader::state exchange::head_arrived(std::string_view& bytes, time_point now)
{
    into_.answer.timings.first_byte = now - started_;
    // A server says so of a connection that was idle for too long, and closes it.
    stale_ = may_try_again() && into_.answer.status == 408;
    if (stale_)
        return response_reader::state::failed;
    auto next = options_.max_redirects() == 0
                    ? std::nullopt
                    : redirected(asked_, into_.answer.status, into_.answer.fields);
    if (next && !*next) {
        into_.answer.error = next->error();
        return response_reader::state::failed;
    }
    if (next) {
        into_.next = std::move(**next);
        reader_.discard_body(redirect_body);
    }
    return reader_.feed(bytes);
}

/// Source: RFC 9110 section 9.2.2, RFC 9112 section 9.3.1.
bool exchange::may_try_again() const
{
    return into_.answer.reused && is_idempotent(asked_.method());
}

void exchange::end(response_reader::state at)
{
    next_ = action::done;
    if (into_.next)
        into_.answer.error.reset(); // only the header of a redirect is needed
    // The server may have closed a reused connection while the request was on its way.
    if (stale_ || (may_try_again() && !reader_.started()))
        how_ = ending::retry;
    else if (at == response_reader::state::done && reader_.reusable() &&
             !same_token(asked_.fields()["Connection"], "close"))
        how_ = ending::keep;
}

} // namespace weir::http::detail
