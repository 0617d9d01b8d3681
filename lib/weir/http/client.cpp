#include <weir/http/client.hpp>

#include <weir/http/continuation.hpp>
#include <weir/http/detail/body_outlet.hpp>
#include <weir/http/detail/call.hpp>
#include <weir/http/detail/connection.hpp>
#include <weir/http/detail/exchange.hpp>
#include <weir/http/detail/journey.hpp>
#include <weir/http/detail/keep_alive.hpp>
#include <weir/http/detail/kept_with.hpp>
#include <weir/http/detail/memory_account.hpp>
#include <weir/http/detail/pulled_body.hpp>
#include <weir/http/detail/route.hpp>
#include <weir/http/detail/sessions.hpp>
#include <weir/http/detail/socket_network.hpp>
#include <weir/http/detail/upload.hpp>
#include <weir/http/detail/within_limits.hpp>
#include <weir/http/error.hpp>
#include <weir/http/io_step.hpp>
#include <weir/policy/keyed_semaphore.hpp>
#include <weir/run/scope.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir::http {
namespace {

namespace asio = boost::asio;
using detail::body_outlet;
using detail::connection;
using detail::exchange;
using detail::journey;

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
asio::awaitable<void> while_wanted(const detail::upload& body, asio::awaitable<void> sending)
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

/// Whether the request was ended, and not by its server.
bool is_our_doing(error_class kind)
{
    return kind == error_class::aborted || kind == error_class::timeout;
}

/// The failure for what an exchange threw.
failure failure_of(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    } catch (const failed& f) {
        return f.reason();
    } catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted)
            return failure(error_class::aborted, "cancelled", e.code());
        return failure(error_class::internal, e.code().message(), e.code());
    } catch (const std::exception& e) {
        return failure(error_class::internal, e.what());
    } catch (...) {
        return failure(error_class::internal, "an exception that is no std::exception");
    }
}

response failed_response(const std::exception_ptr& error)
{
    response answer;
    answer.error = failure_of(error);
    return answer;
}

} // namespace

/// Shared by the client and its running calls.
class client::state {
public:
    state(asio::any_io_executor executor, client_options options, std::shared_ptr<network> lines);

    /// Makes one exchange.
    asio::awaitable<hop> step(const request& what, body_outlet& to, journey& trip);
    /// Makes a request and follows redirects.
    asio::awaitable<response> follow(request what, body_outlet& to, journey& trip);
    /// Fetches the rest of a body that broke off, where that is safe and the receiver takes it.
    asio::awaitable<void> go_on(const request& what, body_outlet& to, journey& trip,
                                response& answer);
    /// The same within the limits of the journey, whose attempts are in the response.
    asio::awaitable<response> travel(std::shared_ptr<state> self, request what, body_outlet& to,
                                     std::shared_ptr<journey> trip);
    request_options limits_of(const request& what) const
    {
        return what.options().or_else(options.requests());
    }

    // The operations of the client.
    static asio::awaitable<hop> step_into(std::shared_ptr<state> self, request what,
                                          body_sink sink);
    static asio::awaitable<response> keep(std::shared_ptr<state> self, request what);
    static asio::awaitable<response> pass_on(std::shared_ptr<state> self, request what,
                                             body_sink sink);
    static asio::awaitable<response> give(std::shared_ptr<state> self, request what,
                                          body_receiver& to);
    static asio::awaitable<open_response> open(std::shared_ptr<state> self, request what);
    static asio::awaitable<response> refuse(failure why);
    void begin(asio::awaitable<response> work, response_handler handler) const;

    asio::any_io_executor executor;
    client_options options;
    std::shared_ptr<detail::sessions> sessions;

private:
    asio::awaitable<void> make(const request& what, body_outlet& to, journey& trip,
                               time_point started, hop& into);
    asio::awaitable<exchange::ending> talk(connection& line, const request& what, body_outlet& to,
                                           journey& trip, time_point started, hop& into);
    asio::awaitable<void> receive(connection& line, exchange& rules, body_outlet& to,
                                  journey& trip);
    asio::awaitable<void> send(connection& line, detail::upload& body, std::string_view rest,
                               journey& trip);
    asio::awaitable<void> wait_to_go(detail::upload& body);
    asio::awaitable<permit> room_to_hold(journey& trip);
    void read(connection& line, exchange& rules, const error_code& error);

    keyed_semaphore<std::string> limits_; // of each origin behind a proxy that forwards
    semaphore held_bodies_;               // a permit for each part that is kept for a receiver
    detail::memory_account decoders_;     // of all responses
    std::vector<char> buffer_;            // filled and emptied between two suspensions
};

client::state::state(asio::any_io_executor ex, client_options o, std::shared_ptr<network> lines)
    : executor(ex), options(std::move(o)),
      sessions(std::make_shared<detail::sessions>(
          ex, lines ? std::move(lines) : std::make_shared<detail::socket_network>(ex, options),
          options)),
      limits_(ex, options.per_host()), held_bodies_(ex, options.max_held_bodies()),
      decoders_(options.decoding().max_memory_of_all()), buffer_(buffer_size)
{
}

asio::awaitable<hop> client::state::step(const request& what, body_outlet& to, journey& trip)
{
    hop result;
    const auto started = now(executor);
    trip.begin();
    std::exception_ptr error;
    try {
        co_await make(what, to, trip, started, result);
    } catch (...) {
        error = std::current_exception();
    }
    if (error) {
        result.answer.error = failure_of(error);
        result.next.reset();
    }
    trip.end(result.answer.error);
    result.answer.timings.total = now(executor) - started;
    co_return result;
}

asio::awaitable<response> client::state::follow(request what, body_outlet& to, journey& trip)
{
    const auto started = now(executor);
    hop result;
    for (unsigned n = 0;;) {
        result = co_await step(what, to, trip);
        if (!result.next)
            break;
        const bool is_redirect = result.answer.status != 417;
        if (is_redirect && n == trip.limits().max_redirects()) {
            result.answer.error =
                failure(error_class::redirect, "more than " + std::to_string(n) + " redirects");
            break;
        }
        n += is_redirect ? 1 : 0;
        what = std::move(*result.next);
    }
    const auto& error = result.answer.error;
    if (error && !is_our_doing(error->kind()) && to.delivered() != 0)
        co_await go_on(what, to, trip, result.answer);
    result.answer.timings.total = now(executor) - started;
    co_return std::move(result.answer);
}

asio::awaitable<void> client::state::go_on(const request& what, body_outlet& to, journey& trip,
                                           response& answer)
{
    using part = continuation::answer;
    std::uint64_t had = 0;
    for (unsigned n = 0; n != trip.limits().continuations() && to.delivered() > had; ++n) {
        const auto rule = continuation::of(what, answer, detail::wall_clock());
        if (!rule)
            co_return;
        had = to.delivered();
        to.expect_rest(*rule);
        const request rest = rule->ask(what, had);
        hop more = co_await step(rest, to, trip);
        const auto came = to.answered();
        const auto& error = more.answer.error;
        if (came == part::all) {
            had = 0;
            answer = std::move(more.answer);
        } else if (came == part::rest || came == part::complete) {
            answer.error = came == part::rest ? error : std::nullopt;
            answer.bytes = to.delivered();
            answer.wire_bytes += came == part::rest ? more.answer.wire_bytes : 0;
            answer.trailers = std::move(more.answer.trailers);
        } else if (error && is_our_doing(error->kind())) {
            answer.error = error;
        }
    }
}

asio::awaitable<response> client::state::travel(std::shared_ptr<state> self, request what,
                                                body_outlet& to, std::shared_ptr<journey> trip)
{
    const auto started = now(executor);
    response answer;
    std::exception_ptr error;
    try {
        auto all = detail::kept_with(std::pair(self, trip), follow(std::move(what), to, *trip));
        auto limited = detail::within_limits(executor, *trip, std::move(all));
        answer = co_await std::move(limited);
    } catch (...) {
        error = std::current_exception();
    }
    if (error) { // it was cancelled between two exchanges
        answer.error = failure_of(error);
        answer.timings.total = now(executor) - started;
        trip->end(answer.error);
    }
    answer.attempts = trip->take();
    co_return answer;
}

/// Makes an exchange: waits for a session of its origin, and again where another must make it.
asio::awaitable<void> client::state::make(const request& what, body_outlet& to, journey& trip,
                                          time_point started, hop& into)
{
    // A proxy that forwards requests has the same sessions for all origins.
    keyed_permit<std::string> place;
    if (detail::forwarder_of(options.network(), what.target())) {
        auto room = limits_.async_acquire(what.target().origin());
        place = co_await std::move(room);
    }
    detail::sessions::share mine(sessions, what, trip);
    std::exception_ptr error;
    try {
        bool again = true;
        while (again) {
            into.answer = response();
            co_await mine.wait(into.answer.timings);
            into.answer.reused = mine.is_reused();
            const auto ended = co_await talk(mine.line(), what, to, trip, started, into);
            into.answer.processed = mine.processed_of(into.answer.processed);
            const bool keeps = ended == exchange::ending::keep;
            again = mine.ended(into.answer,
                               keeps ? detail::idle_time(into.answer.fields, options.idle_timeout())
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
asio::awaitable<exchange::ending> client::state::talk(connection& line, const request& what,
                                                      body_outlet& to, journey& trip,
                                                      time_point started, hop& into)
{
    const detail::journey::stay on_line(trip, line, into.answer.reused);
    const auto expect_above = what.options().expect_above(); // its own: it may be the second one
    detail::upload body(what, expect_above.value_or(trip.limits().expect_above().value_or(0)));
    exchange rules(what, options, trip.limits(), body, to, started, into, &decoders_);
    std::string first = detail::header_on_route(options.network(), what, rules.head());
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

asio::awaitable<void> client::state::receive(connection& line, exchange& rules, body_outlet& to,
                                             journey& trip)
{
    using action = exchange::action;
    while (rules.next() != action::done) {
        error_code error;
        if (rules.next() == action::wait)
            error = co_await line.readable();
        else if (rules.next() != action::read)
            co_await asio::post(executor, asio::use_awaitable);
        throw_if_aborted(error);
        permit held;
        // What is still being sent may come from a part that is held.
        if (to.holds() && !rules.is_sending())
            held = co_await room_to_hold(trip);
        if (rules.next() == action::resume)
            rules.resume(now(executor));
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
asio::awaitable<permit> client::state::room_to_hold(journey& trip)
{
    permit room = held_bodies_.try_acquire();
    if (!room) {
        auto free = held_bodies_.async_acquire(asio::use_awaitable);
        room = co_await while_paused(trip, std::move(free));
    }
    co_return room;
}

/// Sends what is left of the header, then the body. A server may answer and close before it has
/// read all of it, so an error of sending ends nothing but this.
asio::awaitable<void> client::state::send(connection& line, detail::upload& body,
                                          std::string_view rest, journey& trip)
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

asio::awaitable<void> client::state::wait_to_go(detail::upload& body)
{
    wait_group answer(executor);
    answer.add();
    body.on_go_ahead([&answer] { answer.done(); });
    error_code ignored; // servers that do not know Expect say nothing
    co_await answer.async_wait_until(saturating_add(now(executor), continue_timeout),
                                     asio::redirect_error(asio::use_awaitable, ignored));
    body.on_go_ahead(nullptr);
    body.go_ahead();
}

void client::state::read(connection& line, exchange& rules, const error_code& error)
{
    io_step step(io_step::state::failed, error);
    if (!error)
        step = line.try_read(buffer_.data(), buffer_.size());
    const std::string_view bytes(buffer_.data(), step.bytes);
    const bool more_likely = bytes.size() == buffer_.size() || line.has_pending();
    rules.took(step, bytes, more_likely, now(executor));
}

client::client(executor_type executor, client_options options, std::shared_ptr<network> lines)
    : state_(std::make_shared<state>(std::move(executor), std::move(options), std::move(lines)))
{
}

client::~client()
{
    state_->sessions->close_idle();
}

client::executor_type client::get_executor() const noexcept
{
    return state_->executor;
}

// What a coroutine uses is in its frame, and the state with it: the client may go first.

asio::awaitable<hop> client::state::step_into(std::shared_ptr<state> self, request what,
                                              body_sink sink)
{
    detail::function_outlet to(std::move(sink));
    const auto trip = std::make_shared<journey>(self->executor, self->limits_of(what));
    auto one = detail::kept_with(std::pair(self, trip), self->step(what, to, *trip));
    auto limited = detail::within_limits(self->executor, *trip, std::move(one));
    hop result = co_await std::move(limited);
    result.answer.attempts = trip->take();
    co_return result;
}

asio::awaitable<response> client::state::keep(std::shared_ptr<state> self, request what)
{
    const auto trip = std::make_shared<journey>(self->executor, self->limits_of(what));
    detail::kept_outlet to(trip->limits().max_kept_body().value_or(0));
    response answer = co_await self->travel(self, std::move(what), to, trip);
    answer.body = to.take();
    co_return answer;
}

asio::awaitable<response> client::state::pass_on(std::shared_ptr<state> self, request what,
                                                 body_sink sink)
{
    const auto trip = std::make_shared<journey>(self->executor, self->limits_of(what));
    detail::function_outlet to(std::move(sink));
    co_return co_await self->travel(self, std::move(what), to, trip);
}

asio::awaitable<response> client::state::give(std::shared_ptr<state> self, request what,
                                              body_receiver& receiver)
{
    const auto trip = std::make_shared<journey>(self->executor, self->limits_of(what));
    detail::receiver_outlet to(receiver);
    co_return co_await self->travel(self, std::move(what), to, trip);
}

asio::awaitable<open_response> client::state::open(std::shared_ptr<state> self, request what)
{
    const auto body = std::make_shared<detail::pulled_body>(self->executor);
    auto ended = [body](response whole) { body->ended(std::move(whole)); };
    self->begin(give(self, std::move(what), *body),
                response_handler(asio::bind_cancellation_slot(body->stop(), std::move(ended))));
    open_response made(body);
    std::exception_ptr error;
    try {
        co_await body->opened();
    } catch (...) {
        error = std::current_exception();
    }
    if (error)
        made = open_response(failed_response(error));
    co_return made;
}

asio::awaitable<response> client::state::refuse(failure why)
{
    response answer;
    answer.error = std::move(why);
    co_return answer;
}

void client::state::begin(asio::awaitable<response> work, response_handler handler) const
{
    detail::call<response>::begin(executor, std::move(work), std::move(handler), failed_response);
}

asio::awaitable<hop> client::step(request what, body_sink sink)
{
    return state::step_into(state_, std::move(what), std::move(sink));
}

void client::begin(request what, response_handler handler) const
{
    state_->begin(state::keep(state_, std::move(what)), std::move(handler));
}

void client::begin(std::string url, response_handler handler) const
{
    auto target = http::url::parse(url);
    if (target)
        begin(request(std::move(*target)), std::move(handler));
    else
        state_->begin(state::refuse(target.error()), std::move(handler));
}

void client::begin(request what, body_sink sink, response_handler handler) const
{
    state_->begin(state::pass_on(state_, std::move(what), std::move(sink)), std::move(handler));
}

void client::begin(request what, body_receiver* to, response_handler handler) const
{
    state_->begin(state::give(state_, std::move(what), *to), std::move(handler));
}

void client::begin(request what, open_handler handler) const
{
    const auto value_of = [](const std::exception_ptr& error) {
        return open_response(failed_response(error));
    };
    detail::call<open_response>::begin(state_->executor, state::open(state_, std::move(what)),
                                       std::move(handler), value_of);
}

std::size_t client::idle() const noexcept
{
    return state_->sessions->idle();
}

bool client::has_idle(const std::string& origin) const
{
    return state_->sessions->has_free(origin);
}

std::size_t client::open() const noexcept
{
    return state_->sessions->size();
}

void client::close_idle()
{
    state_->sessions->close_idle();
}

} // namespace weir::http
