#pragma once

#include <weir/http/url.hpp>

#include <string_view>

namespace weir::http::detail {

/// Whether a list such as that in `no_proxy` names the host of `target`: see `proxies::except`.
///
/// Source: what curl does. Departs from it: `*` and ports count in a list, too, and so do IPv6
///         addresses in brackets.
bool names_host(std::string_view list, const url& target);

} // namespace weir::http::detail
