#pragma once

#include <weir/http/request.hpp>
#include <weir/http/url.hpp>
#include <weir/time/clock.hpp>

#include <functional>
#include <optional>

namespace weir::http::detail {

/// The way of a request through the clients of a group: a redirect may lead to an origin that
/// another of them serves.
struct passage {
    /// Whether another client serves this URL. The request then ends where it is, and `onward` is
    /// what the other has to ask for.
    std::function<bool(const url&)> leaves;
    time_point started{};
    unsigned redirects = 0;
    bool acted = false; // a redirect changed the method: its server has acted on the request
    std::optional<request> onward;
};

} // namespace weir::http::detail
