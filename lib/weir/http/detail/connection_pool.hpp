#pragma once

#include <weir/http/detail/connection.hpp>
#include <weir/http/detail/idle_list.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace weir::http::detail {

/// The connections of a client: counts those in use, keeps the idle ones, and closes them when they
/// expire.
///
/// Threads: one serial executor.
/// Lifetime: outlives its leases.
class connection_pool {
public:
    /// A connection in use; closes it unless it was given to `keep`.
    class lease {
    public:
        lease(connection_pool& owner, std::unique_ptr<connection> held);
        lease(const lease&) = delete;
        lease& operator=(const lease&) = delete;
        ~lease() { --owner_.in_use_; }

        connection& operator*() const { return *held_; }
        void replace(std::unique_ptr<connection> other) { held_ = std::move(other); }
        /// Makes it idle for at most `length`; closes it when that is not above 0.
        void keep(const std::string& origin, duration length);

    private:
        connection_pool& owner_;
        std::unique_ptr<connection> held_;
    };

    connection_pool(boost::asio::any_io_executor executor, std::size_t max_idle);
    connection_pool(const connection_pool&) = delete;
    connection_pool& operator=(const connection_pool&) = delete;

    /// An idle connection that can be used again; null when there is none.
    std::unique_ptr<connection> take(const std::string& origin);
    /// Closes the connection that has been idle longest; false when there is none.
    bool drop_oldest() { return idle_.drop_oldest(); }
    /// Closes the idle connections, and lets `io_context::run` return.
    void drop_idle();

    std::size_t idle() const noexcept { return idle_.size(); }
    std::size_t in_use() const noexcept { return in_use_; }

private:
    void arm_reaper();

    boost::asio::any_io_executor executor_;
    idle_list<std::unique_ptr<connection>> idle_;
    std::size_t in_use_ = 0;
    alarm reaper_; // closes what has expired
    bool reaper_armed_ = false;
};

} // namespace weir::http::detail
