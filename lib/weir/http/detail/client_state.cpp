#include <weir/http/detail/client_state.hpp>

#include <weir/http/continuation.hpp>
#include <weir/http/detail/failure_of.hpp>
#include <weir/http/detail/limit_alarm.hpp>
#include <weir/http/detail/pulled_body.hpp>
#include <weir/http/detail/socket_network.hpp>
#include <weir/http/detail/wall_clock.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;

/// Whether the request was ended, and not by its server.
bool is_our_doing(error_class kind)
{
    return kind == error_class::aborted || kind == error_class::timeout;
}

/// Of an answer without a part of the body: whether its failure is only that of its connection.
bool has_nothing_to_say(const failure& error)
{
    return !is_our_doing(error.kind()) && error.kind() != error_class::io;
}

} // namespace

client_state::client_state(const asio::any_io_executor& executor, client_options options,
                           std::shared_ptr<network> lines, group_part part)
    : executor_(executor), options_(std::move(options)),
      exchanger_(executor, options_,
                 lines ? std::move(lines) : std::make_shared<socket_network>(executor, options_),
                 part.limits ? std::move(part)
                             : group_part{std::make_shared<client_limits>(executor, options_), {}})
{
}

std::shared_ptr<journey> client_state::begin_journey(const request& what, const passage* way) const
{
    return std::allocate_shared<journey>(recycled<journey>(), executor_, limits_of(what),
                                         way ? way->started : now(executor_));
}

bool client_state::turn(request& what, journey& trip, passage& way, hop& at) const
{
    const bool is_redirect = at.is_redirect();
    if (is_redirect && way.redirects == trip.limits().max_redirects()) {
        at.answer.error = failure(error_class::redirect,
                                  "more than " + std::to_string(way.redirects) + " redirects");
        return false;
    }
    way.redirects += is_redirect ? 1 : 0;
    way.acted = way.acted || what.method() != at.next->method();
    what = std::move(*at.next);
    if (way.leaves && way.leaves(what.target())) {
        way.onward = std::move(what);
        return false;
    }
    at = hop();
    return true;
}

asio::awaitable<void> client_state::go_on(const request& what, body_outlet& to, journey& trip,
                                          response& answer)
{
    using part = continuation::answer;
    std::uint64_t had = 0;
    for (unsigned n = 0; n != trip.limits().continuations() && to.delivered() > had; ++n) {
        const auto rule = continuation::of(what, answer, wall_clock());
        if (!rule)
            co_return;
        had = to.delivered();
        to.expect_rest(*rule);
        const request rest = rule->ask(what, had);
        hop more;
        co_await exchanger_.step(rest, to, trip, more);
        const auto came = to.answered();
        const auto& error = more.answer.error;
        if (came == part::all) {
            had = 0;
            answer = std::move(more.answer);
        } else if (came == part::rest || came == part::complete) {
            const bool ends_it = came == part::complete && error && has_nothing_to_say(*error);
            answer.error = ends_it ? std::nullopt : error;
            if (ends_it) // what broke off was the text of an answer that says that this was all
                co_await to.end();
            answer.bytes = to.delivered();
            answer.wire_bytes += came == part::rest ? more.answer.wire_bytes : 0;
            answer.trailers = std::move(more.answer.trailers);
        } else if (error && is_our_doing(error->kind())) {
            answer.error = error;
        }
    }
}

asio::awaitable<void> client_state::travel(request& what, body_outlet& to, journey& trip,
                                           passage* shared, response& answer)
{
    passage own; // of a client that is in no group
    passage& way = shared ? *shared : own;
    std::exception_ptr error;
    hop at;
    try {
        std::optional<limit_alarm> limits;
        if (trip.has_time_limits())
            limits.emplace(executor_, trip);
        do {
            co_await exchanger_.step(what, to, trip, at);
        } while (at.next && turn(what, trip, way, at));
        answer = std::move(at.answer);
        const auto& failed = answer.error;
        if (failed && !is_our_doing(failed->kind()) && to.delivered() != 0)
            co_await go_on(what, to, trip, answer);
    } catch (...) {
        error = std::current_exception();
    }
    if (error) { // it was cancelled between two exchanges
        answer.error = failure_of(error);
        trip.end(answer.error, now(executor_));
    } else if (way.redirects != 0 && !way.onward) {
        answer.final_url = what.target().str();
    }
    if (way.acted) // whatever became of the requests that followed
        answer.processed = processed::yes;
    answer.timings.total = now(executor_) - trip.started();
    answer.attempts = trip.take();
}

client_state::travelling client_state::step(std::shared_ptr<client_state> self, request&& what,
                                            head_sink&& head, body_sink&& sink,
                                            std::shared_ptr<exchange_watcher> watcher, hop& into)
{
    auto trip = self->begin_journey(what, nullptr);
    trip->watch_with(std::move(watcher));
    auto work =
        run_step(std::move(self), std::move(what), std::move(head), std::move(sink), trip, into);
    return {std::move(trip), std::move(work)};
}

asio::awaitable<void> client_state::run_step(std::shared_ptr<client_state> self, request what,
                                             head_sink head, body_sink sink,
                                             std::shared_ptr<journey> trip, hop& into)
{
    function_outlet to(std::move(sink), std::move(head));
    {
        std::optional<limit_alarm> limits;
        if (trip->has_time_limits())
            limits.emplace(self->executor_, *trip);
        co_await self->exchanger_.step(what, to, *trip, into);
    }
    const bool is_redirect = into.is_redirect();
    if (trip->watcher() != nullptr && is_redirect)
        into.answer.error = trip->watcher()->refuses(into.next->target());
    if (is_redirect && into.answer.error)
        into.next.reset();
    into.answer.attempts = trip->take();
}

client_state::travelling client_state::keep(std::shared_ptr<client_state> self, request&& what,
                                            response& into, way_through way)
{
    auto trip = self->begin_journey(what, way.get());
    auto work = run_kept(std::move(self), std::move(what), trip, std::move(way), into);
    return {std::move(trip), std::move(work)};
}

client_state::travelling client_state::pass_on(std::shared_ptr<client_state> self, request&& what,
                                               body_sink&& sink, response& into, way_through way)
{
    auto trip = self->begin_journey(what, way.get());
    auto work = run_passed_on(std::move(self), std::move(what), std::move(sink), trip,
                              std::move(way), into);
    return {std::move(trip), std::move(work)};
}

client_state::travelling client_state::give(std::shared_ptr<client_state> self, request&& what,
                                            body_receiver& receiver, response& into,
                                            way_through way)
{
    auto trip = self->begin_journey(what, way.get());
    auto work = run_given(std::move(self), std::move(what), receiver, trip, std::move(way), into);
    return {std::move(trip), std::move(work)};
}

asio::awaitable<void> client_state::run_kept(std::shared_ptr<client_state> self, request what,
                                             std::shared_ptr<journey> trip, way_through way,
                                             response& into)
{
    kept_outlet to(trip->limits().max_kept_body().value_or(0));
    co_await self->travel(what, to, *trip, way.get(), into);
    into.body = to.take();
}

asio::awaitable<void> client_state::run_passed_on(std::shared_ptr<client_state> self, request what,
                                                  body_sink sink, std::shared_ptr<journey> trip,
                                                  way_through way, response& into)
{
    function_outlet to(std::move(sink));
    co_await self->travel(what, to, *trip, way.get(), into);
}

asio::awaitable<void> client_state::run_given(std::shared_ptr<client_state> self, request what,
                                              body_receiver& receiver,
                                              std::shared_ptr<journey> trip, way_through way,
                                              response& into)
{
    receiver_outlet to(receiver);
    co_await self->travel(what, to, *trip, way.get(), into);
}

asio::awaitable<void> client_state::open(std::shared_ptr<client_state> self, request what,
                                         open_response& into)
{
    const auto body = std::make_shared<pulled_body>(self->executor_);
    auto ended = [body](response whole) { body->ended(std::move(whole)); };
    const auto whole = make_call<response>(
        self->executor_, asio::bind_cancellation_slot(body->stop(), std::move(ended)));
    begin(give(self, std::move(what), *body, whole->value()), *whole);
    into = open_response(body);
    std::exception_ptr error;
    try {
        co_await body->opened();
    } catch (...) {
        error = std::current_exception();
    }
    if (!error)
        co_return;
    response failed = failed_response(error);
    failed.processed = processed::maybe; // nobody waits for what the request comes to
    into = open_response(std::move(failed));
}

asio::awaitable<void> client_state::refuse(failure why, response& into)
{
    into.error = std::move(why);
    co_return;
}

asio::awaitable<void> client_state::refuse(failure why, hop& into)
{
    into.answer.error = std::move(why);
    co_return;
}

asio::awaitable<void> client_state::refuse(failure why, open_response& into)
{
    response none;
    none.error = std::move(why);
    into = open_response(std::move(none));
    co_return;
}

} // namespace weir::http::detail
