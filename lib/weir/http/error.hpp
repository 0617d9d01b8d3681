#pragma once

#include <weir/error.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace weir::http {

/// Why a URL was not fetched. The names (see `name`) are part of the output format of `weir-fetch`,
/// so they stay as they are: scripts match on them.
enum class error_class {
    bad_url = 1, ///< the text is not an http or https URL
    dns,         ///< the host name has no address
    connect,     ///< no address accepted a connection
    blocked,     ///< the host has only addresses that `network_options::allow` refuses
    proxy,       ///< the proxy was not reached, or made no tunnel
    tls,         ///< the TLS handshake failed, or the certificate was not accepted
    timeout,     ///< a limit of time has passed: of connecting, of a phase, of all
    protocol,    ///< the answer is not valid HTTP
    incomplete,  ///< the connection ended before the whole response had arrived
    too_large,   ///< the header or the body is larger than allowed
    redirect,    ///< too many redirects, or one that cannot be followed
    http,        ///< the server answered with status 400 or above; from a fetcher only
    io,          ///< a sink could not store the body, or a source not give one
    aborted,     ///< cancelled, or never begun because the run was stopped
    internal,    ///< a fault of this library, or no memory
    given_up     ///< not asked: its origin has failed too often, or wants a longer pause than is
                 ///< waited for; from a fetcher only
};

/// The stable name of a class: `bad_url`, `dns`, `connect`, `blocked`, `proxy`, `tls`, `timeout`,
/// `protocol`, `incomplete`, `too_large`, `redirect`, `http`, `io`, `aborted`, `internal`,
/// `given_up`.
std::string_view name(error_class kind) noexcept;

/// The classes as error codes, for code that handles nothing else. The category's name is
/// "weir.http", and the message of a code is the name of its class.
const error_category& category() noexcept;
error_code make_error_code(error_class kind) noexcept;

/// Why an exchange failed: the class, a text for people, and a code.
///
/// The text says what happened, where, and what to do about it where that is known. It never holds
/// the user name or password of a URL. It may hold bytes from the server: escape it before it goes
/// to a terminal.
class failure {
public:
    /// An empty failure; needed by `boost::system::result`.
    failure() = default;
    failure(error_class kind, std::string text, error_code code = {});

    error_class kind() const noexcept { return kind_; }
    const std::string& text() const noexcept { return text_; }
    /// The system's code, where the failure came with one; otherwise that of the class. Of a
    /// failure it is never success.
    const error_code& code() const noexcept { return code_; }

private:
    error_class kind_{};
    std::string text_;
    error_code code_;
};

/// A failure as an exception; `result<T>::value()` throws it.
class failed : public std::runtime_error {
public:
    explicit failed(failure what);
    const failure& reason() const noexcept { return reason_; }

private:
    failure reason_;
};

/// A value, or the failure that prevented it.
template <class T>
using result = boost::system::result<T, failure>;

[[noreturn]] void throw_exception_from_error(const failure& what, const boost::source_location& at);

} // namespace weir::http

namespace boost::system {

template <>
struct is_error_code_enum<weir::http::error_class> : std::true_type {
};

} // namespace boost::system
