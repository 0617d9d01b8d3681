#include <weir/http/detail/exchanger.hpp>

#include <weir/http/detail/failure_of.hpp>
#include <weir/http/detail/keep_alive.hpp>
#include <weir/http/detail/route.hpp>
#include <weir/http/io_step.hpp>
#include <weir/run/scope.hpp>
#include <weir/sync/wait_group.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;

constexpr std::size_t buffer_size = 64 * 1024;
/// How long a server has to say 100 (Continue), as with curl.
constexpr duration continue_timeout = std::chrono::seconds(1);

void throw_if_aborted(const error_code& error)
{
    if (error == asio::error::operation_aborted)
        throw boost::system::system_error(error);
}

/// Awaits work during which nothing is slow: the receiver of a body, or its source, is busy. (A
/// destructor would do it too, but the journey may be gone when this is destroyed.)
template <class T>
asio::awaitable<T> while_paused(journey& trip, asio::awaitable<T> work)
{
    trip.pause();
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(work);
            trip.resume();
        } else {
            T done = co_await std::move(work);
            trip.resume();
            co_return done;
        }
    } catch (...) {
        trip.resume();
        throw;
    }
}

/// Sends a body. What goes wrong counts only while somebody wants the body.
asio::awaitable<void> while_wanted(const upload& body, asio::awaitable<void> sending)
{
    try {
        co_await std::move(sending);
    } catch (const boost::system::system_error& e) {
        if (!body.stopped() && e.code() != asio::error::operation_aborted)
            throw;
    } catch (...) {
        if (!body.stopped())
            throw;
    }
}

} // namespace

exchanger::exchanger(asio::any_io_executor executor, const client_options& options,
                     std::shared_ptr<network> lines, group_part part)
    : executor_(executor), options_(options),
      sessions_(std::make_shared<detail::sessions>(executor, std::move(lines), options)),
      part_(std::move(part)), decoders_(options.decoding().max_memory_of_all()),
      buffer_(buffer_size)
{
    for (const auto& [origin, share] : part_.shares)
        sessions_->limit_origin(origin, share.most);
}

asio::awaitable<void> exchanger::step(const request& what, body_outlet& to, journey& trip,
                                      hop& into)
{
    const auto started = now(executor_);
    trip.begin();
    std::exception_ptr error;
    try {
        co_await make(what, to, trip, started, into);
    } catch (...) {
        error = std::current_exception();
    }
    if (error) {
        into.answer.error = failure_of(error);
        into.next.reset();
    }
    trip.end(into.answer.error);
    into.answer.timings.total = now(executor_) - started;
}

/// Whether there is a limit that the sessions of its origin do not keep: one for all origins, or,
/// behind a proxy that forwards, for which all have the same sessions, that of the origin.
bool exchanger::needs_place(const request& what) const
{
    return !options_.per_client().is_unlimited() ||
           forwarder_of(options_.network(), what.target()) != nullptr;
}

const std::string& exchanger::place_of(const request& what) const
{
    const std::string& origin = what.target().origin();
    const auto shared = part_.shares.find(origin);
    return shared == part_.shares.end() ? origin : shared->second.place;
}

/// Makes an exchange: waits for a session of its origin, and again where another must make it.
asio::awaitable<void> exchanger::make(const request& what, body_outlet& to, journey& trip,
                                      time_point started, hop& into)
{
    keyed_permit<std::string> place;
    if (needs_place(what)) {
        auto room = part_.limits->places.async_acquire(place_of(what));
        place = co_await std::move(room);
    }
    sessions::share mine(sessions_, what, trip);
    std::exception_ptr error;
    try {
        bool again = true;
        while (again) {
            into.answer = response();
            if (mine.is_served())
                mine.begin(into.answer.timings);
            else
                co_await mine.wait(into.answer.timings);
            into.answer.reused = mine.is_reused();
            const auto ended = co_await talk(mine.line(), what, to, trip, started, into);
            into.answer.processed = mine.processed_of(into.answer.processed);
            const bool keeps = ended == exchange::ending::keep;
            again = mine.ended(into.answer,
                               keeps ? idle_time(into.answer.fields, options_.idle_timeout())
                                     : duration::zero());
        }
    } catch (...) {
        error = std::current_exception();
        into.answer.processed = mine.processed_of(into.answer.processed);
        mine.give_up();
    }
    if (error)
        std::rethrow_exception(error);
}

/// Makes an exchange on one connection: does what `exchange` decides.
asio::awaitable<exchange::ending> exchanger::talk(connection& line, const request& what,
                                                  body_outlet& to, journey& trip,
                                                  time_point started, hop& into)
{
    const journey::stay on_line(trip, line, into.answer.reused);
    const auto expect_above = what.options().expect_above(); // its own: it may be the second one
    upload body(what, expect_above.value_or(trip.limits().expect_above().value_or(0)));
    exchange rules(what, options_, trip.limits(), body, to, started, into, &decoders_);
    std::string first = header_on_route(options_.network(), what, rules.head());
    first += body.take_small();
    const std::string_view rest = std::string_view(first).substr(line.send_now(first));
    if (rest.empty())
        body.sent();
    if (body.complete()) {
        trip.request_sent();
        co_await receive(line, rules, to, trip);
    } else {
        // Both at once: a server may answer, and read no more, before it has all of the request.
        const auto both = [&](scope& exchanging) -> asio::awaitable<void> {
            exchanging.spawn(while_wanted(body, send(line, body, rest, trip)));
            co_await receive(line, rules, to, trip);
            if (!rules.is_sending())
                exchanging.cancel();
        };
        co_await with_scope(both);
    }
    co_return rules.how();
}

asio::awaitable<void> exchanger::receive(connection& line, exchange& rules, body_outlet& to,
                                         journey& trip)
{
    using action = exchange::action;
    while (rules.next() != action::done) {
        error_code error;
        if (rules.next() == action::wait)
            error = co_await line.readable();
        else if (rules.next() != action::read)
            co_await asio::post(executor_, asio::use_awaitable);
        throw_if_aborted(error);
        permit held;
        // What is still being sent may come from a part that is held.
        if (to.holds() && !rules.is_sending())
            held = co_await room_to_hold(trip);
        if (rules.next() == action::resume)
            rules.resume(now(executor_));
        else
            read(line, rules, error);
        if (rules.has_head())
            trip.head_arrived();
        if (!to.has_held())
            continue;
        co_await while_paused(trip, to.deliver());
    }
    if (rules.is_whole())
        co_await to.end();
}

/// A permit for what a read gives to a receiver.
asio::awaitable<permit> exchanger::room_to_hold(journey& trip)
{
    permit room = part_.limits->held_bodies.try_acquire();
    if (!room) {
        auto free = part_.limits->held_bodies.async_acquire(asio::use_awaitable);
        room = co_await while_paused(trip, std::move(free));
    }
    co_return room;
}

/// Sends what is left of the header, then the body. A server may answer and close before it has
/// read all of it, so an error of sending ends nothing but this.
asio::awaitable<void> exchanger::send(connection& line, upload& body, std::string_view rest,
                                      journey& trip)
{
    if (co_await line.send(rest))
        co_return body.stop();
    body.sent();
    if (!body.may_go())
        co_await while_paused(trip, wait_to_go(body));
    for (;;) {
        const std::string_view part = co_await while_paused(trip, body.next());
        if (part.empty())
            break;
        if (co_await line.send(part))
            co_return body.stop();
        body.sent();
    }
    if (body.complete())
        trip.request_sent();
}

asio::awaitable<void> exchanger::wait_to_go(upload& body)
{
    wait_group answer(executor_);
    answer.add();
    body.on_go_ahead([&answer] { answer.done(); });
    error_code ignored; // servers that do not know Expect say nothing
    co_await answer.async_wait_until(saturating_add(now(executor_), continue_timeout),
                                     asio::redirect_error(asio::use_awaitable, ignored));
    body.on_go_ahead(nullptr);
    body.go_ahead();
}

void exchanger::read(connection& line, exchange& rules, const error_code& error)
{
    io_step step(io_step::state::failed, error);
    if (!error)
        step = line.try_read(buffer_.data(), buffer_.size());
    const std::string_view bytes(buffer_.data(), step.bytes);
    const bool more_likely = bytes.size() == buffer_.size() || line.has_pending();
    rules.took(step, bytes, more_likely, now(executor_));
}

} // namespace weir::http::detail
