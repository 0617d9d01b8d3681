#pragma once

#include <weir/http/client_options.hpp>
#include <weir/policy/keyed_semaphore.hpp>
#include <weir/sync/limit.hpp>
#include <weir/sync/semaphore.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>
#include <unordered_map>

namespace weir::http::detail {

/// The limits of a client that sessions do not keep. The clients of a group have them together.
///
/// Threads: safe from any thread.
struct client_limits {
    client_limits(const boost::asio::any_io_executor& executor, const client_options& options)
        : places(executor, options.per_host(), options.per_client()),
          held_bodies(executor, options.max_held_bodies())
    {
    }

    keyed_semaphore<std::string> places; // of each origin, and of all together
    semaphore held_bodies;               // a permit for each part that is kept for a receiver
};

/// What a client of a group has of an origin that several of them serve.
struct origin_share {
    limit most;        // of the connections, in place of `per_host`
    std::string place; // its key among the places
};

/// What a client of a group does not have for itself. Without `limits` it belongs to none.
struct group_part {
    std::shared_ptr<client_limits> limits;
    std::unordered_map<std::string, origin_share> shares; // by origin
};

} // namespace weir::http::detail
