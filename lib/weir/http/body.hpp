#pragma once

#include <weir/error.hpp>
#include <weir/http/error.hpp>
#include <weir/http/url.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace weir::http {

class request;
struct response;

/// Receives the body of a response as it arrives.
///
/// Shape: called with one part after another, in order. A part is valid only during the call. The
///        body of a redirect that is followed is not passed on.
/// Errors: an error, or an exception, ends the exchange with class `io`; `failed` with its own.
using body_sink = std::function<error_code(std::string_view part)>;

/// Looks at the header of a response before its body comes. That of a redirect that is followed is
/// not shown.
///
/// Errors: a failure, or an exception, ends the exchange.
using head_sink = std::function<std::optional<failure>(const response& head)>;

/// Stores the body of one URL for a `fetcher`, which makes one when it begins to fetch the URL.
class body {
public:
    virtual ~body() = default;

    /// May add to the request of an attempt, before it is made: a Range, where a part of the body
    /// is there already. A redirect takes it along. By default adds nothing.
    virtual void ask(request&) {}
    /// The answer to `asked`, whose body follows. A failure ends the attempt. By default none.
    virtual std::optional<failure> begin(const request& /*asked*/, const response& /*head*/)
    {
        return std::nullopt;
    }
    /// After an exchange: whether it is made once more, at once, because its answer is of no use.
    /// `ask` is called before, with the request that was made. By default not.
    virtual bool asks_again() { return false; }

    /// Takes the next part. An error ends the fetch with class `io`.
    virtual error_code write(std::string_view part) = 0;
};

/// Makes the object that stores the body of `target`; null to count the body and discard it.
using body_factory = std::function<std::shared_ptr<body>(const url& target)>;

} // namespace weir::http
