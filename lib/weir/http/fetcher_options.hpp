#pragma once

#include <weir/http/client_options.hpp>
#include <weir/http/error.hpp>
#include <weir/http/spill_options.hpp>
#include <weir/http/url.hpp>
#include <weir/sync/limit.hpp>
#include <weir/time/clock.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
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

    /// The method of every request.
    ///
    /// Units: default `GET`; `HEAD` asks for the header alone.
    /// Errors: `std::invalid_argument` for a method that `request` refuses.
    fetcher_options& method(std::string name);

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

    const client_options& client() const noexcept { return client_; }
    limit jobs() const noexcept { return jobs_; }
    std::size_t window() const noexcept { return window_; }
    const spill_options& spill() const noexcept { return spill_; }
    duration timeout() const noexcept { return timeout_; }
    duration grace() const noexcept { return grace_; }
    const fields& headers() const noexcept { return headers_; }
    const std::string& method() const noexcept { return method_; }
    dot_segments dots() const noexcept { return dots_; }
    const text_reader& url_in() const noexcept { return url_in_; }

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
    dot_segments dots_ = dot_segments::remove;
    text_reader url_in_;
};

} // namespace weir::http
