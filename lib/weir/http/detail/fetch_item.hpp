#pragma once

#include <weir/flow/outcome.hpp>
#include <weir/http/body.hpp>
#include <weir/http/detail/fetch_pause.hpp>
#include <weir/http/detail/host_turns.hpp>
#include <weir/http/detail/text_backlog.hpp>
#include <weir/http/error.hpp>
#include <weir/http/exchange_watcher.hpp>
#include <weir/http/fetch_result.hpp>
#include <weir/http/fetcher_options.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>
#include <weir/http/url.hpp>
#include <weir/run/cancel.hpp>
#include <weir/time/clock.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http::detail {

template <class T>
class call;

/// The URL in a text that the source gave, not parsed.
result<std::string> url_in(std::string text, const fetcher_options& options);

/// One URL on its way through a fetcher, and the rules for its result. It never waits and reads no
/// clock.
class fetch_item {
public:
    /// What becomes of it after an exchange.
    enum class then {
        done,
        redirected, ///< it needs a place for `key` again
        failed      ///< another attempt may be made; without one its result stands
    };

    explicit fetch_item(waiting_url url);
    /// As it was queued.
    waiting_url waiting() const;

    /// Parses the URL at the beginning of an attempt: fills `ask`, or `bad_url`.
    void read_url(const fetcher_options& options);
    using content_factory = fetcher_options::content_factory;
    /// To be called when an exchange begins. A failure of the factory is a failure to store.
    std::optional<failure> begin(time_point now, const content_factory& contents);
    /// Passes the header of an answer to `result.content`.
    std::optional<failure> head(const response& answer);
    /// After an exchange: whether it is to be made once more, at once. `ask` is for that then.
    bool asks_again(const hop& made);
    /// Passes a part of the body to `result.content`.
    error_code write(std::string_view part);

    /// Cancels its exchange, if that runs.
    void cancel_exchange() const;
    /// Takes what an exchange gave.
    then record(hop h, cancel_reason why, const fetcher_options& options);

    /// After `then::failed`: when the next attempt begins, `not_before` at the earliest; nothing
    /// when there is none.
    std::optional<time_point> next_attempt(const fetcher_options& options, time_point not_before,
                                           time_point now) const;
    /// The same after one that was refused, which does not count if its origin, that has `accepted`
    /// so many by now, accepted others since the last time.
    std::optional<time_point> next_after_refusal(const fetcher_options& options,
                                                 std::uint64_t accepted, time_point not_before,
                                                 time_point now);
    /// It waits for its next attempt from now on, without a body, and needs a place for `key` then.
    /// Its result is that of the last one meanwhile.
    void wait_until(time_point at);
    /// Its attempt gave way, and counts no more. Precondition: it is not the first.
    void take_back(time_point now);
    bool was_tried() const noexcept { return result.attempts != 0; }
    /// Whether its text is all there is to know of it, once its exchange is forgotten.
    bool is_text() const noexcept { return result.attempts <= 1; }

    /// Whether its exchange can be begun again as if nothing had happened.
    bool may_give_way() const noexcept
    {
        return !is_heard && !gives_way && !abandoned && result.redirects == 0 &&
               (!ask || is_idempotent(ask->method()));
    }

    /// Ends it before its first exchange began.
    void never_began();
    /// Ends it because the run is stopped.
    void stopped();
    /// The one or the other, for one that is queued. One that waits for its next attempt ends as
    /// its last one did.
    void end_queued();
    /// Says in its failure that its server asks for a longer pause than is waited for.
    void may_not_wait(duration pause);
    /// Ends it because its origin is given up. One that has failed before keeps that failure.
    void give_up(fetch_pause::refusal why, duration again_in);
    /// Ends it when its job gave no value. The job may still run, and is ignored from now on.
    void ended_without_value(weir::status how, std::exception_ptr error);

    fetch_result result;
    std::optional<request> ask;
    std::string first_method;                  // a redirect may change that of `ask`
    std::shared_ptr<exchange_watcher> watcher; // of this attempt; null for none
    std::optional<failure> bad_url;
    std::string key;       // the origin; empty for a bad URL
    std::string first_key; // that of the text, once it was redirected
    time_point taken;
    duration spent{}; // in exchanges; waiting for a place does not count
    time_point first_begun;
    time_point due;             // while it waits for its next attempt
    host_turns::place place;    // while it is fetched
    fetch_pause::ticket ticket; // the same
    std::weak_ptr<call<hop>> exchange;
    bool begins = true; // an attempt: the next exchange is its first
    bool given_up = false;
    bool abandoned = false;
    bool acted = false;                // a redirect changed the method, for its server had acted
    bool is_heard = false;             // something of an answer has come
    bool is_good = false;              // the head of a good answer has, and was counted
    unsigned excused = 0;              // attempts that do not count
    std::uint64_t accepted_before = 0; // by its origin, when one was last excused
    bool gives_way = false;

private:
    bool may_be_made_again(const fetcher_options& options) const;
    time_point last_begin(const fetcher_options& options) const;
    void add(response answer);
    void fail(weir::status how, error_class kind, std::string text);
};

} // namespace weir::http::detail
