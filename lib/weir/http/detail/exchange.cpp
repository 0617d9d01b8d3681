#include <weir/http/detail/exchange.hpp>

#include <weir/http/detail/content_coding.hpp>
#include <weir/http/detail/list_elements.hpp>
#include <weir/http/detail/tls_refusal.hpp>
#include <weir/http/detail/wire_header.hpp>
#include <weir/http/headers.hpp>
#include <weir/http/redirect.hpp>
#include <weir/http/response.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace weir::http::detail {
namespace {

/// How much of a redirect's body is read to keep its connection; a longer one closes it.
constexpr std::uint64_t redirect_body = 64 * 1024;
/// Reads in a row before other work on the executor gets a turn.
constexpr unsigned read_budget = 16;
/// What is decoded before other work gets a turn, and what is given to the decoder at a time: at
/// the highest ratio a slice becomes a megabyte.
constexpr std::uint64_t decoding_budget = 256 * 1024;
constexpr std::size_t decoding_slice = 1024;

response_limits limits_of(const client_options& options, const request_options& own)
{
    response_limits limits;
    limits.header_bytes = options.max_header();
    limits.body_bytes = own.max_body().value_or(limits.body_bytes);
    return limits;
}

} // namespace

exchange::exchange(const request& asked, const client_options& options,
                   const request_options& limits, upload& sending, body_outlet& to,
                   time_point started, hop& into, memory_account* decoders)
    : asked_(asked), options_(options), limits_(limits), started_(started), sending_(sending),
      to_(to), into_(into), codings_(codings_to_ask_for(asked.fields(), options.decoding())),
      reader_(
          asked.method(), limits_of(options, limits),
          [&to](std::string_view part) { return to.write(part); }, into.answer)
{
    if (codings_ == accepted_codings)
        reader_.undo_codings(options.decoding(), decoders);
    into.answer.processed = processed::maybe;
}

std::string exchange::head() const
{
    std::string out;
    append_head(out);
    return out;
}

void exchange::append_head(std::string& out) const
{
    append_wire_header(out, asked_, options_.user_agent(), codings_, sending_.framing());
}

void exchange::took(const io_step& step, std::string_view bytes, bool more_likely, time_point now)
{
    ++reads_;
    if (step.what == io_step::state::end || step.what == io_step::state::failed)
        return connection_ended(step.error);
    const action again = (reads_ + 1) % read_budget == 0 ? action::turn : action::read;
    after_feed_ = step.what == io_step::state::done && more_likely ? again : action::wait;
    feed(bytes, now);
}

void exchange::connection_ended(const error_code& how)
{
    end(reader_.end(how));
    if (reader_.started())
        return;
    if (auto refused = refused_by_tls(how)) {
        into_.answer.error = std::move(*refused);
        into_.answer.processed = processed::no;
    }
}

void exchange::resume(time_point now)
{
    const std::string rest = std::exchange(rest_, std::string());
    feed(rest, now);
}

void exchange::feed(std::string_view bytes, time_point now)
{
    using reader_state = response_reader::state;
    if (!bytes.empty())
        into_.answer.processed = processed::yes; // first of all: a sink may throw
    auto at = reader_state::more;
    std::uint64_t decoded = 0;
    do {
        const std::uint64_t before = into_.answer.bytes;
        at = feed_some(bytes, now);
        if (reader_.decodes())
            decoded += into_.answer.bytes - std::min(before, into_.answer.bytes);
    } while (at == reader_state::more && !bytes.empty() && decoded < decoding_budget);
    if (reader_.continued())
        sending_.go_ahead();
    if (at != reader_state::more)
        return end(at);
    rest_ = bytes;
    next_ = rest_.empty() ? after_feed_ : action::resume;
}

/// Of a body that is decoded, a slice.
response_reader::state exchange::feed_some(std::string_view& bytes, time_point now)
{
    using reader_state = response_reader::state;
    std::string_view part = bytes.substr(0, reader_.decodes() ? decoding_slice : bytes.size());
    const std::size_t given = part.size();
    auto at = reader_.feed(part);
    bytes.remove_prefix(given - part.size());
    if (at == reader_state::head)
        at = head_arrived(now);
    if (at == reader_state::head)
        return feed_some(bytes, now);
    // The reader has to see what stands behind the end of the response.
    return at == reader_state::done ? reader_.feed(bytes) : at;
}

/// Returns `head` when the body is to be read.
response_reader::state exchange::head_arrived(time_point now)
{
    has_head_ = true;
    if (reader_.continued()) // it came in the same read
        sending_.go_ahead();
    into_.answer.timings.first_byte = now - started_;
    // An answer that comes before all was sent: a good one may be made while the rest is read, any
    // other one does not need it. Without 100 (Continue) the body was not asked for at all.
    if (into_.answer.status >= 300 || !sending_.may_go())
        sending_.stop();
    // A server says so of a connection that was idle for too long, and closes it.
    stale_ = into_.answer.status == 408 && into_.answer.reused && is_idempotent(asked_.method()) &&
             asked_.body().can_be_sent();
    if (stale_)
        return response_reader::state::failed;
    if (into_.answer.status == 417 && sending_.expects() && asked_.body().can_be_sent()) {
        ask_without_expect();
        return after_discarded();
    }
    auto next = limits_.max_redirects() == 0U
                    ? std::nullopt
                    : redirected(asked_, into_.answer.status, into_.answer.fields);
    if (next)
        into_.answer.error = *next ? redirect_to(std::move(**next)) : next->error();
    else if (reader_.unreadable())
        into_.answer.error = reader_.unreadable();
    else
        into_.answer.error = to_.begin(into_.answer, reader_.length());
    if (into_.answer.error)
        return response_reader::state::failed;
    reader_.goes_on_after(to_.goes_on_after());
    return next ? after_discarded() : response_reader::state::head;
}

/// A body that nobody wants is read for the sake of its connection alone.
response_reader::state exchange::after_discarded() const
{
    return reader_.may_be_reusable() ? response_reader::state::head
                                     : response_reader::state::failed;
}

/// An intermediary refuses Expect, not the request.
///
/// Source: RFC 9110 section 10.1.1.
void exchange::ask_without_expect()
{
    request again = asked_;
    again.options(request_options(asked_.options()).expect_above(request_options::never_expect));
    into_.next = std::move(again);
    reader_.discard_body(redirect_body);
}

/// The failure when it cannot be followed.
std::optional<failure> exchange::redirect_to(request next)
{
    if (!next.body().can_be_sent())
        return failure(error_class::redirect,
                       "cannot follow the redirect to " + next.target().str() +
                           ": the request's body cannot be sent a second time, its source cannot "
                           "rewind");
    into_.next = std::move(next);
    reader_.discard_body(redirect_body);
    return std::nullopt;
}

void exchange::end(response_reader::state at)
{
    next_ = action::done;
    if (at != response_reader::state::done || into_.answer.status >= 300)
        sending_.stop();
    is_whole_ = at == response_reader::state::done && !into_.next;
    if (into_.next)
        into_.answer.error.reset(); // only the header of a redirect is needed
    if (stale_)
        into_.answer.processed = processed::maybe;
    else
        may_keep_ = at == response_reader::state::done && reader_.reusable() &&
                    !has_element(asked_.fields(), "Connection", "close");
}

} // namespace weir::http::detail
