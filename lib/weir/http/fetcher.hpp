#pragma once

#include <weir/http/body.hpp>
#include <weir/http/fetch_counts.hpp>
#include <weir/http/fetch_result.hpp>
#include <weir/http/fetcher_options.hpp>
#include <weir/http/network.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace weir::http {

/// Fetches many URLs under two limits: one for each host, one for the whole. A URL is fetched only
/// once its host has room, so a slow or silent host does not take the places of the others.
///
/// Shape: URLs are pulled from `source` while there is room. Results are passed to `sink` as they
///        complete, one at a time; every URL taken in gets exactly one. At most `client().per_host`
///        URLs of one origin and `jobs` in all are fetched at a time. What waits is text: `window`
///        bytes in memory, and beyond that, for hosts without room, in a file (`spill`). While
///        `2 * jobs` results are not taken, no fetch begins. A redirect to another origin gives up
///        its places and waits for one there.
///        A host begins with one place; each answer doubles that up to 8, and from there on adds 8.
///        While others wait, at most a quarter of `jobs` stands at hosts that have said nothing for
///        a second: a fetch beyond that of which nothing has arrived is cancelled, and begun again
///        later.
///        A host that asks for a pause (Retry-After) has it. What failed may be fetched again,
///        rates be kept to, and hosts be given up, as the options say.
/// Errors: what went wrong with a URL is in its result. `run` throws what `source` or `sink` threw,
///         after the running fetches have ended, and a `system_error` when the file cannot be read:
///         the URLs in it have no results then. The constructor throws what `client`'s does.
/// Cancellation: terminal, of `run`: cancels the running fetches, waits for them, and throws
///               operation_aborted. What was not taken by then has no result; `stop` gives one.
/// Threads: one serial executor. `finish_running` and `stop` may be called from any thread.
/// Lifetime: any. `run` goes on without it, and is called once: a second call throws
///           `std::logic_error`.
/// Fairness: hosts that have room take turns; the URLs of one host are fetched in order. A host
///           with an idle connection goes before its turn, for at most 24 starts in a row. While
///           half of `jobs` stands at hosts that have not answered, those that have go first.
/// Memory: grows with the limits, not with the number of URLs.
class fetcher {
public:
    /// Returns the next URL, or nothing at the end. The next call is made after the last one has
    /// completed. A cancelled call may throw operation_aborted.
    using source = std::function<boost::asio::awaitable<std::optional<std::string>>()>;
    /// Takes a result.
    using sink = std::function<boost::asio::awaitable<void>(fetch_result)>;

    /// `fetcher_options::content` makes what stores the bodies; where that is not set, `bodies`
    /// does. Without both, every body is counted and discarded. `lines` as for a `client`.
    fetcher(boost::asio::any_io_executor executor, fetcher_options options, body_factory bodies,
            std::shared_ptr<network> lines = nullptr);
    fetcher(const fetcher&) = delete;
    fetcher& operator=(const fetcher&) = delete;
    ~fetcher();

    /// Completes when `results` has taken the result of every URL taken in.
    boost::asio::awaitable<void> run(source urls, sink results);

    /// Takes no more URLs and finishes those being fetched. Queued ones end with status `dropped`
    /// and class `aborted`; those that wait for their next attempt as the last one ended.
    void finish_running();
    /// As `finish_running`, and cancels those being fetched: they end with class `aborted`.
    void stop();

    /// Call it on the executor's thread.
    fetch_counts counts() const;
    /// How many results the sink could take without waiting. When it is 0, a sink that buffers its
    /// output should flush it. Call it on the executor's thread.
    std::size_t results_ready() const;

private:
    class state;
    std::shared_ptr<state> state_;
};

} // namespace weir::http
