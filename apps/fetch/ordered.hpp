#pragma once

#include "entry.hpp"
#include "record.hpp"

#include <weir/http/fetch_result.hpp>
#include <weir/sync/permit.hpp>
#include <weir/sync/semaphore.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace weir_fetch {

/// All that is known about a URL that has ended.
struct ended {
    weir::http::fetch_result result;
    entry what;
    stored where;
};

/// Puts results into the order of the input. A result waits here for those of earlier URLs.
///
/// Memory: `window` results. When a slow URL holds back so many others, no more URLs are taken in.
class ordered {
public:
    ordered(boost::asio::any_io_executor executor, std::size_t window);

    /// The window for so many jobs: `least_window`, or twice as many as jobs, which is also the
    /// window of bodies that are held for printing.
    static std::size_t window_for(std::size_t jobs, bool with_bodies) noexcept
    {
        return with_bodies ? 2 * jobs : std::max(2 * jobs, least_window);
    }
    static constexpr std::size_t least_window = 1000;

    /// Waits until one more URL may be taken in. Throws operation_aborted when cancelled.
    boost::asio::awaitable<void> enter();
    /// After `enter`: there is no URL.
    void leave() { places_.pop_back(); }

    void add(ended item);
    /// The next result in order; nothing while it is still missing.
    std::optional<ended> next();
    /// After the run: the next of those that wait for one that never came; nothing when there is
    /// none.
    std::optional<ended> next_of_rest();

private:
    std::optional<ended> take(std::map<std::uint64_t, ended>::iterator from);

    weir::semaphore room_;
    std::deque<weir::permit> places_; // of the URLs that were taken in and not given out by `next`
    std::map<std::uint64_t, ended> waiting_; // by the number of the URL
    std::uint64_t next_ = 1;
};

} // namespace weir_fetch
