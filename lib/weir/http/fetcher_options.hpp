#pragma once

#include <weir/http/client_options.hpp>
#include <weir/http/error.hpp>
#include <weir/http/request_body.hpp>
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
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {

/// The limits and settings of a `fetcher`. Setters return the object, so that calls can be chained.
///
/// Errors: a setter throws `std::invalid_argument` for a value outside its range.
class fetcher_options {
public:
    using fields = std::vector<std::pair<std::string, std::string>>;
    using text_reader = std::function<result<std::string>(std::string_view text)>;

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
    const fields& headers() const noexcept { return headers_; }
    const std::string& method() const noexcept { return method_; }
    const request_body& body() const noexcept { return body_; }
    const std::vector<std::string>& without() const noexcept { return without_; }
    dot_segments dots() const noexcept { return dots_; }
    const text_reader& url_in() const noexcept { return url_in_; }
    const retry_policy& retry() const noexcept { return retry_; }
    retried retry_when() const noexcept { return retry_when_; }
    duration retry_time() const noexcept { return retry_time_; }
    const std::optional<weir::rate>& rate() const noexcept { return rate_; }
    std::size_t burst() const noexcept { return burst_; }
    const std::optional<weir::rate>& host_rate() const noexcept { return host_rate_; }
    std::size_t host_burst() const noexcept { return host_burst_; }
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
    fields headers_;
    std::string method_ = "GET";
    request_body body_;
    std::vector<std::string> without_;
    dot_segments dots_ = dot_segments::remove;
    text_reader url_in_;
    retry_policy retry_{1};
    retried retry_when_ = retried::transient;
    duration retry_time_ = duration::max();
    std::optional<weir::rate> rate_;
    std::size_t burst_ = 1;
    std::optional<weir::rate> host_rate_;
    std::size_t host_burst_ = 1;
    std::optional<breaker_options> give_up_;
};

} // namespace weir::http
