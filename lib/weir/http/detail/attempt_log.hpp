#pragma once

#include <weir/duration.hpp>
#include <weir/http/attempt.hpp>

#include <cstddef>
#include <iterator>
#include <utility>

namespace weir::http::detail {

/// How many attempts of a request are kept, the last ones: more than ten redirects need, each on a
/// host with a dead address or two.
inline constexpr std::size_t most_attempts = 32;

/// Adds later attempts to a log. They count from the beginning of their own exchange, which was
/// `before` after that of the request.
inline void append(attempt_list& log, attempt_list&& later, duration before = duration::zero())
{
    for (attempt& each : later) {
        each.began += before;
        each.ended += before;
    }
    log.insert(log.end(), std::make_move_iterator(later.begin()),
               std::make_move_iterator(later.end()));
    if (log.size() > most_attempts)
        log.erase(log.begin(), log.end() - static_cast<std::ptrdiff_t>(most_attempts));
}

} // namespace weir::http::detail
