#include <weir/http/detail/exchanger.hpp>

#include <weir/error.hpp>
#include <weir/http/detail/failure_of.hpp>
#include <weir/http/detail/keep_alive.hpp>
#include <weir/http/detail/route.hpp>
#include <weir/http/io_step.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/run/scope.hpp>
#include <weir/sync/wait_group.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;

/// A server that reads quickly never makes the sender wait.
constexpr std::size_t sent_in_a_turn = 1024 * 1024;
constexpr std::size_t buffer_size = 64 * 1024;
/// How long a server has to say 100 (Continue), as with curl.
constexpr duration continue_timeout = std::chrono::seconds(1);
/// How long an unwanted body may take. A new connection costs less.
constexpr duration unwanted_timeout = std::chrono::seconds(1);

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

asio::awaitable<error_code> readable_until(connection& line, time_point end)
{
    const auto waiting = [&line]() -> asio::awaitable<error_code> {
        const error_code error = co_await line.readable();
        throw_if_aborted(error);
        co_return error;
    };
    auto in_time = with_deadline(end, waiting());
    try {
        co_return co_await std::move(in_time);
    } catch (const boost::system::system_error& e) {
        if (e.code() != errc::timed_out)
            throw;
    }
    co_return asio::error::timed_out;
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

// All of it is one coroutine: another one, for what a place and a session are held for, would cost
// as much as reading the response.
asio::awaitable<void> exchanger::step(const request& what, body_outlet& to, journey& trip,
                                      hop& into)
{
    const auto started = now(executor_);
    trip.begin(started);
    keyed_permit<std::string> place;
    std::optional<sessions::claim> mine;
    auto before = processed::no; // of rounds whose connection was lost
    std::exception_ptr error;
    try {
        if (needs_place(what)) {
            auto room = part_.limits->places.async_acquire(place_of(what));
            place = co_await std::move(room);
        }
        mine.emplace(sessions_, what, trip);
        for (;;) { // waits for a session again where another must make it
            if (mine->is_served())
                mine->begin(into.answer.timings);
            else
                co_await mine->wait(into.answer.timings);
            into.answer.reused = mine->is_reused();
            const auto ended = co_await talk(mine->line(), what, to, trip, started, into);
            into.answer.processed = mine->processed_of(into.answer.processed);
            const bool keeps = ended == exchange::ending::keep;
            if (!mine->ended(into.answer,
                             keeps ? idle_time(into.answer.fields, options_.idle_timeout())
                                   : duration::zero()))
                break;
            before = std::max(before, into.answer.processed);
            into.answer = response();
        }
    } catch (...) {
        error = std::current_exception();
    }
    if (error) {
        into.answer.error = failure_of(error);
        into.next.reset();
        if (mine)
            give_up(*mine, into.answer);
    }
    into.answer.processed = std::max(before, into.answer.processed);
    mine.reset();
    place = keyed_permit<std::string>();
    const auto at = now(executor_);
    trip.end(into.answer.error, at);
    into.answer.timings.total = at - started;
}

void exchanger::give_up(sessions::claim& mine, response& answer)
{
    answer.processed = mine.processed_of(answer.processed);
    mine.give_up();
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

/// Makes an exchange on one connection: does what `exchange` decides.
asio::awaitable<exchange::ending> exchanger::talk(connection& line, const request& what,
                                                  body_outlet& to, journey& trip,
                                                  time_point started, hop& into)
{
    const journey::stay on_line(trip, line, into.answer.reused);
    const auto expect_above = what.options().expect_above(); // its own: it may be the second one
    upload body(what, expect_above.value_or(trip.limits().expect_above().value_or(0)));
    exchange rules(what, options_, trip.limits(), body, to, started, into, &decoders_);
    const std::string unsent = begin_to_send(line, rules, what, body, trip);
    const std::string_view rest = unsent;
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

/// Sends the header, and a small body with it, and returns what there was no room for. A watcher
/// may make requests, which come here before this has ended.
std::string exchanger::begin_to_send(connection& line, const exchange& rules, const request& what,
                                     upload& body, const journey& trip)
{
    std::string header = std::exchange(header_, std::string());
    header.clear();
    rules.append_head(header);
    header = header_on_route(options_.network(), what, std::move(header));
    if (trip.watcher() != nullptr)
        trip.watcher()->sent(header);
    header += body.take_small();
    std::string rest = header.substr(line.send_now(header));
    header_ = std::move(header); // its memory, for the next one
    return rest;
}

asio::awaitable<void> exchanger::receive(connection& line, exchange& rules, body_outlet& to,
                                         journey& trip)
{
    using action = exchange::action;
    time_point unwanted_until{};
    while (rules.next() != action::done) {
        error_code error;
        if (rules.next() == action::wait && rules.is_discarding()) {
            if (unwanted_until == time_point{})
                unwanted_until = saturating_add(now(executor_), unwanted_timeout);
            error = co_await readable_until(line, unwanted_until);
        } else if (rules.next() == action::wait) {
            error = co_await line.readable();
        } else if (rules.next() != action::read) {
            co_await asio::post(executor_, asio::use_awaitable);
        }
        throw_if_aborted(error);
        permit held;
        // What is still being sent may come from a part that is held.
        if (to.holds() && !rules.is_sending())
            held = co_await room_to_hold(trip);
        if (rules.next() == action::resume)
            rules.resume(now(executor_));
        else
            read(line, rules, trip, error);
        if (rules.has_head())
            trip.head_arrived();
        if (trip.watcher() != nullptr && trip.watcher()->wants_rest())
            co_await while_paused(trip, trip.watcher()->rest());
        if (!to.has_held())
            continue;
        co_await while_paused(trip, to.deliver());
    }
    if (to.holds() && rules.is_whole())
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
    std::size_t in_turn = 0;
    for (;;) {
        std::string_view part = co_await while_paused(trip, body.next());
        if (part.empty())
            break;
        for (; !part.empty(); part.remove_prefix(std::min(part.size(), sent_in_a_turn))) {
            const std::string_view slice = part.substr(0, sent_in_a_turn);
            if (co_await line.send(slice))
                co_return body.stop();
            in_turn += slice.size();
            if (in_turn < sent_in_a_turn)
                continue;
            in_turn = 0;
            co_await asio::post(executor_, asio::use_awaitable); // others have their turn
        }
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

void exchanger::read(connection& line, exchange& rules, const journey& trip,
                     const error_code& error)
{
    exchange_watcher* const watcher = trip.watcher();
    io_step step(io_step::state::failed, error);
    const std::size_t most =
        watcher ? std::min(buffer_.size(), watcher->most_to_read()) : buffer_.size();
    if (!error)
        step = line.try_read(buffer_.data(), most);
    const std::string_view bytes(buffer_.data(), step.bytes);
    if (watcher && !bytes.empty())
        watcher->received(bytes);
    const bool more_likely = bytes.size() == most || line.has_pending();
    rules.took(step, bytes, more_likely, now(executor_));
}

} // namespace weir::http::detail
