#include <weir/http/detail/client_state.hpp>

#include <weir/http/continuation.hpp>
#include <weir/http/detail/call.hpp>
#include <weir/http/detail/failure_of.hpp>
#include <weir/http/detail/kept_with.hpp>
#include <weir/http/detail/pulled_body.hpp>
#include <weir/http/detail/socket_network.hpp>
#include <weir/http/detail/within_limits.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;

/// Whether the request was ended, and not by its server.
bool is_our_doing(error_class kind)
{
    return kind == error_class::aborted || kind == error_class::timeout;
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
    return std::make_shared<journey>(executor_, limits_of(what),
                                     way ? way->started : now(executor_));
}

asio::awaitable<void> client_state::follow(request& what, body_outlet& to, journey& trip,
                                           passage* way, response& into)
{
    const auto started = way ? way->started : now(executor_);
    hop result;
    unsigned n = way ? way->redirects : 0;
    for (;;) {
        co_await exchanger_.step(what, to, trip, result);
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
        if (way && way->leaves(what.target())) {
            way->redirects = n;
            way->onward = std::move(what);
            into = std::move(result.answer);
            co_return;
        }
        result = hop();
    }
    const auto& error = result.answer.error;
    if (error && !is_our_doing(error->kind()) && to.delivered() != 0)
        co_await go_on(what, to, trip, result.answer);
    if (n != 0)
        result.answer.final_url = what.target().str();
    result.answer.timings.total = now(executor_) - started;
    into = std::move(result.answer);
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
            answer.error = came == part::rest ? error : std::nullopt;
            answer.bytes = to.delivered();
            answer.wire_bytes += came == part::rest ? more.answer.wire_bytes : 0;
            answer.trailers = std::move(more.answer.trailers);
        } else if (error && is_our_doing(error->kind())) {
            answer.error = error;
        }
    }
}

asio::awaitable<void> client_state::travel(request& what, body_outlet& to, journey& trip,
                                           passage* way, response& answer)
{
    const auto started = way ? way->started : now(executor_);
    std::exception_ptr error;
    try {
        std::optional<limit_alarm> limits;
        if (trip.watches())
            limits.emplace(executor_, trip, [&trip] { trip.cancel(); });
        co_await follow(what, to, trip, way, answer);
    } catch (...) {
        error = std::current_exception();
    }
    if (error) { // it was cancelled between two exchanges
        answer.error = failure_of(error);
        answer.timings.total = now(executor_) - started;
        trip.end(answer.error);
    }
    answer.attempts = trip.take();
}

asio::awaitable<hop> client_state::step(std::shared_ptr<client_state> self, request what,
                                        body_sink sink)
{
    function_outlet to(std::move(sink));
    const auto trip = self->begin_journey(what, nullptr);
    hop result;
    auto one = self->exchanger_.step(what, to, *trip, result);
    if (trip->watches()) {
        auto kept = kept_with(std::pair(self, trip), std::move(one));
        one = within_limits(self->executor_, *trip, std::move(kept));
    }
    co_await std::move(one);
    result.answer.attempts = trip->take();
    co_return result;
}

client_state::travelling client_state::keep(std::shared_ptr<client_state> self, request what,
                                            way_through way)
{
    auto trip = self->begin_journey(what, way.get());
    return {trip, run_kept(std::move(self), std::move(what), trip, std::move(way))};
}

client_state::travelling client_state::pass_on(std::shared_ptr<client_state> self, request what,
                                               body_sink sink, way_through way)
{
    auto trip = self->begin_journey(what, way.get());
    return {trip,
            run_passed_on(std::move(self), std::move(what), std::move(sink), trip, std::move(way))};
}

client_state::travelling client_state::give(std::shared_ptr<client_state> self, request what,
                                            body_receiver& receiver, way_through way)
{
    auto trip = self->begin_journey(what, way.get());
    return {trip, run_given(std::move(self), std::move(what), receiver, trip, std::move(way))};
}

asio::awaitable<response> client_state::run_kept(std::shared_ptr<client_state> self, request what,
                                                 std::shared_ptr<journey> trip, way_through way)
{
    kept_outlet to(trip->limits().max_kept_body().value_or(0));
    response answer;
    co_await self->travel(what, to, *trip, way.get(), answer);
    answer.body = to.take();
    co_return answer;
}

asio::awaitable<response> client_state::run_passed_on(std::shared_ptr<client_state> self,
                                                      request what, body_sink sink,
                                                      std::shared_ptr<journey> trip,
                                                      way_through way)
{
    function_outlet to(std::move(sink));
    response answer;
    co_await self->travel(what, to, *trip, way.get(), answer);
    co_return answer;
}

asio::awaitable<response> client_state::run_given(std::shared_ptr<client_state> self, request what,
                                                  body_receiver& receiver,
                                                  std::shared_ptr<journey> trip, way_through way)
{
    receiver_outlet to(receiver);
    response answer;
    co_await self->travel(what, to, *trip, way.get(), answer);
    co_return answer;
}

asio::awaitable<open_response> client_state::open(std::shared_ptr<client_state> self, request what)
{
    const auto body = std::make_shared<pulled_body>(self->executor_);
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

asio::awaitable<response> client_state::refuse(failure why)
{
    response answer;
    answer.error = std::move(why);
    co_return answer;
}

void client_state::begin(travelling one, response_handler handler) const
{
    auto& whole =
        call<response>::begin(executor_, std::move(one.work), std::move(handler), failed_response);
    one.trip->on_cancel([&whole] { whole.cancel(); }); // it exists as long as the work
}

void client_state::begin(asio::awaitable<response> work, response_handler handler) const
{
    call<response>::begin(executor_, std::move(work), std::move(handler), failed_response);
}

void client_state::begin(asio::awaitable<open_response> work, open_handler handler) const
{
    const auto value_of = [](const std::exception_ptr& error) {
        return open_response(failed_response(error));
    };
    call<open_response>::begin(executor_, std::move(work), std::move(handler), value_of);
}

} // namespace weir::http::detail
