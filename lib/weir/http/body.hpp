#pragma once

#include <weir/error.hpp>
#include <weir/http/url.hpp>

#include <functional>
#include <memory>
#include <string_view>

namespace weir::http {

/// Receives the body of a response as it arrives.
///
/// Shape: called with one part after another, in order. A part is valid only during the call. The
///        body of a redirect that is followed is not passed on.
/// Errors: an error, or an exception, ends the exchange with class `io`; `failed` with its own.
using body_sink = std::function<error_code(std::string_view part)>;

/// Stores the body of one URL for a `fetcher`, which makes one when it begins to fetch the URL.
class body {
public:
    virtual ~body() = default;

    /// Takes the next part. An error ends the fetch with class `io`.
    virtual error_code write(std::string_view part) = 0;
};

/// Makes the object that stores the body of `target`; null to count the body and discard it.
using body_factory = std::function<std::shared_ptr<body>(const url& target)>;

} // namespace weir::http
