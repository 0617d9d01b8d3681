#pragma once

#include <weir/http/client_options.hpp>
#include <weir/http/url.hpp>
#include <weir/sync/limit.hpp>
#include <weir/time/clock.hpp>

#include <chrono>
#include <cstddef>
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

    fetcher_options();

    /// The settings of the client that makes the requests. Its `per_host` also limits how many URLs
    /// of one origin are fetched at a time. Default: as a new `client_options`.
    fetcher_options& client(client_options options);

    /// How many URLs are fetched at a time, all hosts together.
    ///
    /// Units: URLs, from 1; neither `paused` nor `unlimited`. Default 50: six hosts at the default
    ///        of 8 each, and far below the 1,024 file descriptors that a process usually has.
    fetcher_options& jobs(limit urls);

    /// How many URLs may be held beside those being fetched: queued, or with a result that was not
    /// taken yet. It is how far ahead the fetcher looks for hosts that have room.
    ///
    /// Units: URLs, from 0 to `max_queue`. Default 1,000: enough to find other hosts behind a long
    ///        run of one; about 300 kB.
    fetcher_options& queue(std::size_t urls);

    /// How long one URL may take, redirects included, from the moment its fetch begins.
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

    /// What becomes of `.` and `..` in the paths of the URLs. Those of a Location header are always
    /// removed.
    ///
    /// Units: default `dot_segments::remove`, as browsers do.
    fetcher_options& dots(dot_segments rule);

    const client_options& client() const noexcept { return client_; }
    limit jobs() const noexcept { return jobs_; }
    std::size_t queue() const noexcept { return queue_; }
    duration timeout() const noexcept { return timeout_; }
    duration grace() const noexcept { return grace_; }
    const fields& headers() const noexcept { return headers_; }
    dot_segments dots() const noexcept { return dots_; }

    /// The largest `queue`.
    static constexpr std::size_t max_queue = 1'000'000'000;

private:
    client_options client_;
    limit jobs_ = 50;
    std::size_t queue_ = 1000;
    duration timeout_ = duration::max();
    duration grace_ = std::chrono::seconds(1);
    fields headers_;
    dot_segments dots_ = dot_segments::remove;
};

} // namespace weir::http
