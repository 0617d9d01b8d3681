#pragma once

#include <weir/flow/outcome.hpp>
#include <weir/http/client.hpp>
#include <weir/http/error.hpp>
#include <weir/http/response.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

/// What a fetcher may do. Name the object, then set its members.
class fetcher_options {
public:
    fetcher_options();

    /// `per_host` is the fetcher's too.
    client_options client;
    /// URLs being fetched at a time, all hosts together, from 1. 50.
    std::size_t jobs = 50;
    /// URLs taken in and not yet given back as results, beside those being fetched. It is how far
    /// ahead the fetcher looks for hosts that have room. 1,000: about 300 kB.
    std::size_t window = 1000;
    /// For one URL, redirects included, from the moment its fetching begins. None.
    duration time_out = duration::max();
    /// How long a fetch that is out of time may take to end before it is abandoned. 1 s.
    duration grace = std::chrono::seconds(1);
    /// The user's own header fields, sent with every request. They are secret: a redirect to
    /// another origin drops them.
    std::vector<std::pair<std::string, std::string>> headers;
};

/// Where the body of one URL goes. Made when its fetching begins.
class body {
public:
    virtual ~body() = default;
    /// The next part. An error ends the fetch with class `io`.
    virtual error_code write(std::string_view part) = 0;
};

/// What became of one URL.
struct fetch_result {
    /// From 1, in the order in which the URLs were taken in.
    std::uint64_t id = 0;
    /// The text as it was given.
    std::string url;
    /// What was asked last, after redirects; empty for a text that is no URL.
    std::string final_url;
    weir::status status = weir::status::ok;
    /// The last exchange; its times are sums over the redirects. `error` is set for status 400 and
    /// above too, with class `http`.
    response answer;
    unsigned redirects = 0;
    /// From intake to the beginning.
    duration queued{};
    /// What `make_body` made; null when the fetch never began.
    std::shared_ptr<body> content;
};

/// How a run went, at any moment.
struct fetch_counts {
    std::uint64_t taken = 0;   ///< URLs taken in
    std::uint64_t ok = 0;      ///< results without an error
    std::uint64_t failed = 0;  ///< results with an error, but for those aborted
    std::uint64_t aborted = 0; ///< stopped or never started, for the run was ended
    std::uint64_t bytes = 0;   ///< of body
    std::size_t in_flight = 0; ///< being fetched now
    std::size_t waiting = 0;   ///< taken in and not begun
    std::size_t peak = 0;      ///< most in flight at a time
};

/// Fetches many URLs with a bound on each host and on the whole, narrow before wide: a URL gets a
/// worker only when its host has room, so that a host that is slow or silent holds nobody else
/// back.
///
/// Shape         URLs are pulled from `source` when there is room, results are handed to `sink` as
///               they complete, one at a time; every URL taken in gets exactly one. A result that
///               is not taken stops intake.
/// Limits        `client.per_host` of one origin at a time, `jobs` in all, `jobs + window` taken
///               in. A redirect to another origin gives its places back first and waits for one
///               there.
/// Errors        what a URL met is in its result. `run` throws what `source` or `sink` threw, after
///               the work under way has ended; client's constructor errors too.
/// Cancellation  terminal, of `run`: as `abort`.
/// Threads       one executor, serial. `drain` and `abort` may be called from any thread.
/// Lifetime      outlives `run`, which is called once.
/// Memory        grows with the limits, not with the number of URLs.
class fetcher {
public:
    /// The next URL; nothing at the end. Not called again before it has completed. A cancelled call
    /// may throw operation_aborted.
    using source = std::function<boost::asio::awaitable<std::optional<std::string>>()>;
    using sink = std::function<boost::asio::awaitable<void>(fetch_result)>;
    using make_body = std::function<std::shared_ptr<body>(const url& target)>;

    /// `bodies` may be null: bodies are then counted and thrown away.
    fetcher(boost::asio::any_io_executor executor, fetcher_options options, make_body bodies);
    fetcher(const fetcher&) = delete;
    fetcher& operator=(const fetcher&) = delete;
    ~fetcher();

    /// Completes when every URL taken in has been given to `results`.
    boost::asio::awaitable<void> run(source urls, sink results);

    /// Takes no more URLs in and finishes those being fetched. Those never begun end with status
    /// `dropped` and class `aborted`.
    void drain();
    /// As `drain`, and stops those being fetched: class `aborted`.
    void abort();

    /// On the executor's thread.
    fetch_counts counts() const;
    /// Results that `sink` could be given without waiting; 0 tells it to flush what it holds.
    std::size_t results_ready() const;

private:
    class state;
    std::shared_ptr<state> state_;
};

} // namespace weir::http
