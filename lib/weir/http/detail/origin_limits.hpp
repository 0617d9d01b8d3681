#pragma once

#include <weir/sync/limit.hpp>
#include <weir/sync/semaphore.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <string>
#include <unordered_map>

namespace weir::http::detail {

/// Limits how many exchanges of one origin run at a time.
///
/// Threads: one serial executor.
/// Lifetime: outlives its places.
/// Memory: an origin has a semaphore only while a place exists.
class origin_limits {
    struct entry {
        entry(const boost::asio::any_io_executor& executor, limit per_host)
            : room(executor, per_host)
        {
        }
        semaphore room;
        std::size_t places = 0;
    };
    using entries = std::unordered_map<std::string, entry>;

public:
    /// The place of one exchange: waiting for its permit, then holding it until it is destroyed.
    class place {
    public:
        place(origin_limits& owner, const std::string& origin);
        place(const place&) = delete;
        place& operator=(const place&) = delete;
        ~place();

        bool try_acquire();
        /// Throws system_error(operation_aborted) when cancelled.
        boost::asio::awaitable<void> acquire();

    private:
        entries& all_;
        entries::value_type* own_; // stays where it is when the map grows
        permit permit_;
    };

    origin_limits(boost::asio::any_io_executor executor, limit per_host);

private:
    boost::asio::any_io_executor executor_;
    limit per_host_;
    entries entries_;
};

} // namespace weir::http::detail
