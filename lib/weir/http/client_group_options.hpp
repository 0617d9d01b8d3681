#pragma once

#include <weir/http/client_options.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace weir::http {

/// The limits and settings of a `client_group`. Setters return the object, so that calls can be
/// chained.
///
/// Errors: a setter throws `std::invalid_argument` for a value outside its range.
class client_group_options {
public:
    /// The options of its clients. They count for the group as a whole: `per_host`, `per_client`
    /// and `max_held_bodies` exactly; `max_idle` is divided among the runners, each of which keeps
    /// at least 1 unless it is 0. (Not explicit: most groups need nothing else.)
    client_group_options(client_options each = client_options());

    /// Serves the origin of this URL on several runners, because one is not enough for its load.
    /// Each has its part of `per_host`; a request goes to the one with the fewest of them.
    ///
    /// Units: runners, from 1. Default 1, because connections are used again best where they are
    ///        all together. No more than the group has, and than `per_host`, are used.
    client_group_options& spread(std::string_view url, std::size_t runners);

    const client_options& client() const noexcept { return each_; }
    /// By origin.
    const std::map<std::string, std::size_t>& spreads() const noexcept { return spreads_; }

private:
    client_options each_;
    std::map<std::string, std::size_t> spreads_;
};

} // namespace weir::http
