#pragma once

#include <weir/http/body.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/error.hpp>
#include <weir/http/exchange_watcher.hpp>
#include <weir/http/host_limits.hpp>
#include <weir/http/request.hpp>
#include <weir/http/request_body.hpp>
#include <weir/http/request_settings.hpp>
#include <weir/http/retried.hpp>
#include <weir/http/spill_options.hpp>
#include <weir/http/url.hpp>
#include <weir/policy/breaker_options.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/sync/limit.hpp>
#include <weir/time/clock.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::http {

/// Whether a fetcher learns from refusals (429, and 503 with Retry-After) how often it may ask.
enum class rate_adaptation { off, on };

/// The limits and settings of a `fetcher`. Setters return the object, so that calls can be chained.
///
/// Errors: a setter throws `std::invalid_argument` for a value outside its range.
class fetcher_options {
public:
    using fields = request_settings::fields;
    using text_reader = std::function<result<std::string>(std::string_view text)>;
    using request_reader = std::function<result<request>(std::string_view text, const url& target)>;
    using content_factory =
        std::function<std::shared_ptr<http::body>(std::string_view text, const url& target)>;
    using watcher_factory = std::function<std::shared_ptr<exchange_watcher>(std::string_view text)>;

    fetcher_options();

    /// The settings of the client that makes the requests. Its `per_host` also limits how many URLs
    /// of one origin are fetched at a time. Time limits in its `requests` count for each exchange;
    /// those of a whole URL are `timeout`. Default: as a new `client_options`.
    fetcher_options& client(client_options options);

    /// How many URLs are fetched at a time, all hosts together.
    ///
    /// Units: URLs, from 1; neither `paused` nor `unlimited`. Default 50: six hosts at the default
    ///        of 8 each, and far below the 1,024 file descriptors that a process usually has.
    fetcher_options& jobs(limit urls);

    /// How much text of URLs that wait to be fetched is held in memory. It is how far ahead the
    /// fetcher looks for hosts that have room. Beyond it, URLs of hosts without room go to a file:
    /// see `spill`. When all of it belongs to hosts that have room, no more is taken in.
    ///
    /// Units: bytes of text, with 20 for each URL and 512 for each host, from `min_window`. Text,
    ///        because a number of URLs says nothing about memory: they have from 15 to 64,000
    ///        bytes. Default 4 MiB: some 60,000 URLs, of 8,000 hosts at most.
    fetcher_options& window(std::size_t bytes);

    /// Where URLs go that the window does not hold. Default: as a new `spill_options`.
    fetcher_options& spill(spill_options options);

    /// How long one attempt at a URL may take, redirects included, from the moment it begins.
    ///
    /// Units: above 0; `duration::max()` for no limit. Default: no limit, because how long a body
    ///        takes depends on its size.
    fetcher_options& timeout(duration length);

    /// How long a fetch may take to end after its timeout before it is abandoned.
    ///
    /// Units: from 0. Default 1 s: long enough to close a connection in good order.
    fetcher_options& grace(duration length);

    /// What is sent for every URL. The four setters that follow change it.
    ///
    /// Units: default, a GET.
    fetcher_options& requests(request_settings settings);

    /// Adds a header field that is sent with every request. A redirect to another origin drops it,
    /// except for fields such as Accept that say nothing about the user.
    ///
    /// Errors: `std::invalid_argument` for a name or value that `request::header` refuses.
    fetcher_options& header(std::string_view name, std::string_view value);

    /// The method of every request.
    ///
    /// Units: default `GET`; `HEAD` asks for the header alone.
    /// Errors: `std::invalid_argument` for a method that `request` refuses.
    fetcher_options& method(std::string name);

    /// Bytes to send with every request; Content-Type is a header field as any other. A redirect
    /// with 307 or 308 sends them again, to another origin too.
    ///
    /// Units: default: none.
    fetcher_options& body(std::string bytes);

    /// Does not send a field that every request has otherwise: see `request::without`.
    fetcher_options& without(std::string_view name);

    /// What becomes of `.` and `..` in the paths of the URLs. Those of a Location header are always
    /// removed.
    ///
    /// Units: default `dot_segments::remove`, as browsers do.
    fetcher_options& dots(dot_segments rule);

    /// Finds the URL in a text of the source, which then may hold more than that: a line number,
    /// say. The text travels with the URL, in memory or in the file, and stands in
    /// `fetch_result::url`.
    ///
    /// Units: default, the whole text is the URL.
    /// Errors: what the function returns is the result of that URL. It must not throw.
    fetcher_options& url_in(text_reader find);

    /// Makes the request for a URL from its text, where not all are alike. The function may use a
    /// `request_settings` for it.
    ///
    /// Units: default, as `requests` says.
    /// Errors: what the function returns is the result of that URL. It must not throw.
    fetcher_options& request_in(request_reader make);

    /// Makes what stores the body of a URL; the text of the source may say where. It replaces the
    /// `body_factory` of the fetcher.
    ///
    /// Units: default none.
    /// Errors: what it throws is a failure of that URL, with class `io`.
    fetcher_options& content(content_factory make);

    /// Makes the watcher of the exchanges of one attempt at a URL, redirects included, from the
    /// text of the source; null for none.
    ///
    /// Units: default none.
    /// Errors: it must not throw.
    fetcher_options& watcher(watcher_factory make);

    /// How often a URL is fetched again that failed, after which waits, and within which budget. It
    /// waits in line without a place, a connection or a body. A Retry-After beyond `longest_wait`
    /// is not waited for: see `give_up`. Which failures, says `retry_when`; `retry_if`,
    /// `retry_if_thrown` and `retry_timed_out` have no effect.
    ///
    /// Units: default one attempt: a program may want to know of a failure at once.
    fetcher_options& retry(retry_policy policy);

    /// Which failures that is for. Default `retried::transient`.
    fetcher_options& retry_when(retried which);

    /// How long after the beginning of its first attempt the last one at a URL may begin.
    ///
    /// Units: above 0; `duration::max()` for no limit. Default: no limit; the number is one.
    fetcher_options& retry_time(duration length);

    /// How many exchanges begin in a given time, for all hosts together. Redirects and further
    /// attempts count, too.
    ///
    /// Units: `burst` as for a `rate_limiter`, from 1. Default: no limit.
    fetcher_options& rate(weir::rate each, std::size_t burst = 1);

    /// The same for each origin. One that has nothing to do is remembered for as long as its
    /// tokens are missing; at most 65,536 of these.
    fetcher_options& host_rate(weir::rate each, std::size_t burst = 1);

    /// What one host may get, where that is not what the others get. What says most counts: an
    /// origin before a host with a port, and this before the host alone. Said twice of the same,
    /// the second counts. `rate`, that of all hosts together, holds beside it.
    ///
    /// Units: `host`, `host:port`, or an origin: `https://example.com:8443`. Every origin of a host
    ///        has these limits for itself.
    /// Errors: `std::invalid_argument` for what is none of these.
    fetcher_options& limit_host(std::string_view host, const host_limits& own);

    /// Whether the rate of an origin that refuses requests (429, and 503 with Retry-After) is
    /// learned: from the first refusal on, what it accepts is what it is asked for, and a little
    /// more from time to time. What it refuses is fetched again as soon as it may be, ahead of the
    /// origin's other URLs, and this is no attempt that `retry` counts, as long as the origin
    /// accepted something since the last time, and `retry` allows more than one attempt.
    /// `retry_time` counts. An origin that has nothing to do is remembered for a minute.
    ///
    /// Units: default `off`: a refusal is then a failure as any other, and what a Retry-After asks
    ///        for is done in either case.
    fetcher_options& adapt_rate(rate_adaptation whether);

    /// When an origin is given up for a while: its URLs end with class `given_up` then, without
    /// being asked for. Exchanges that end without any answer count as failures (classes `connect`,
    /// `timeout` and `incomplete`); any answer is a success. Origins that ask for a pause above
    /// the `longest_wait` of `retry` are given up for as long in any case.
    ///
    /// Units: default never.
    fetcher_options& give_up(breaker_options when);

    const client_options& client() const noexcept { return client_; }
    limit jobs() const noexcept { return jobs_; }
    std::size_t window() const noexcept { return window_; }
    const spill_options& spill() const noexcept { return spill_; }
    duration timeout() const noexcept { return timeout_; }
    duration grace() const noexcept { return grace_; }
    const request_settings& requests() const noexcept { return requests_; }
    const fields& headers() const noexcept { return requests_.headers(); }
    const std::string& method() const noexcept { return requests_.method(); }
    const request_body& body() const noexcept { return requests_.body(); }
    const std::vector<std::string>& without() const noexcept { return requests_.without(); }
    dot_segments dots() const noexcept { return dots_; }
    const text_reader& url_in() const noexcept { return url_in_; }
    const request_reader& request_in() const noexcept { return request_in_; }
    const content_factory& content() const noexcept { return content_; }
    const watcher_factory& watcher() const noexcept { return watcher_; }
    const retry_policy& retry() const noexcept { return retry_; }
    retried retry_when() const noexcept { return retry_when_; }
    duration retry_time() const noexcept { return retry_time_; }
    const std::optional<weir::rate>& rate() const noexcept { return rate_; }
    std::size_t burst() const noexcept { return burst_; }
    const std::optional<weir::rate>& host_rate() const noexcept { return host_rate_; }
    std::size_t host_burst() const noexcept { return host_burst_; }
    /// The same text for all that `limit_host` takes as one; empty for what it refuses.
    static std::string limit_key(std::string_view host);
    /// What `limit_host` says of an origin; null for nothing.
    const host_limits* limits_of(const std::string& origin) const;
    /// The largest number of connections that an origin may have.
    limit most_per_host() const;
    rate_adaptation adapt_rate() const noexcept { return adapt_rate_; }
    const std::optional<breaker_options>& give_up() const noexcept { return give_up_; }

    /// The smallest `window`.
    static constexpr std::size_t min_window = 4096;

private:
    client_options client_;
    limit jobs_ = 50;
    std::size_t window_ = 4 * 1024 * 1024;
    spill_options spill_;
    duration timeout_ = duration::max();
    duration grace_ = std::chrono::seconds(1);
    request_settings requests_;
    dot_segments dots_ = dot_segments::remove;
    text_reader url_in_;
    request_reader request_in_;
    content_factory content_;
    watcher_factory watcher_;
    retry_policy retry_{1};
    retried retry_when_ = retried::transient;
    duration retry_time_ = duration::max();
    std::optional<weir::rate> rate_;
    std::size_t burst_ = 1;
    std::optional<weir::rate> host_rate_;
    std::size_t host_burst_ = 1;
    std::unordered_map<std::string, host_limits> host_limits_; // by `limit_key`
    rate_adaptation adapt_rate_ = rate_adaptation::off;
    std::optional<breaker_options> give_up_;
};

} // namespace weir::http
