#pragma once

#include <weir/http/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir::http {

namespace detail {
struct url_record;
}

/// What becomes of the segments `.` and `..` in a path, also where they are written as `%2e`.
enum class dot_segments {
    remove, ///< resolved, as browsers do and servers expect
    keep    ///< sent as they are written: curl's `--path-as-is`
};

/// An http or https URL, checked and normalised once, with the parts that a request needs.
///
/// Shape: real lists hold spaces, brackets, backslashes and non-ASCII text: what is requested is
///        what a browser would request. Case of scheme and host, the default port, an empty path
///        and dot segments are normalised, an international host name is written in ASCII. What is
///        already percent-encoded stays as it is, and no query is reordered: a signed URL stays
///        valid. The original text is kept for output. docs/http.md says where curl differs.
/// Errors: `parse` and `resolve` fail with class `bad_url` and a text that says what is wrong.
/// Memory: a few strings, which copies share; a text over 64 KiB is refused.
/// Source: the WHATWG URL standard. Departs from it in `parse`, which takes a text without a scheme
///         as http, in `resolve` (see there), and where a path or query is not UTF-8: the bytes are
///         encoded as they are.
class url {
public:
    // There is no move: what was moved from would have no parts.
    url(const url&) noexcept = default;
    url& operator=(const url&) noexcept = default;
    ~url() = default;

    /// Longest text accepted, in bytes.
    static constexpr std::size_t max_length = 64 * 1024;

    /// Parses a URL as people write it. A text without a scheme is taken as http.
    static result<url> parse(std::string_view text, dot_segments dots = dot_segments::remove);

    /// Resolves `reference` (such as a Location header) against this URL. The fragment is inherited
    /// when the reference has none. The user name and password are kept when the origin stays the
    /// same, and dropped otherwise. Dot segments of the reference are removed.
    result<url> resolve(std::string_view reference) const;

    /// The original text without space around it, for output.
    const std::string& text() const noexcept { return parts_->text; }
    /// `http` or `https`.
    const std::string& scheme() const noexcept { return parts_->scheme; }
    bool secure() const noexcept { return parts_->secure; }
    /// The host in lower case and ASCII; an IPv6 address has no brackets.
    const std::string& host() const noexcept { return parts_->host; }
    /// Whether the host is an IPv4 or IPv6 address: no SNI is sent for those.
    bool host_is_address() const noexcept { return parts_->host_is_address; }
    /// 0 is a port like the others here: connecting to it fails.
    std::uint16_t port() const noexcept { return parts_->port; }
    /// The path and query as sent in the request line; never empty.
    const std::string& target() const noexcept { return parts_->target; }
    /// `scheme://host:port`, always with the port. Limits and connections are counted by it.
    const std::string& origin() const noexcept { return parts_->origin; }
    /// The value of the Host header: the port only when it is not the default, IPv6 in brackets.
    const std::string& host_header() const noexcept { return parts_->host_header; }
    /// The value of the Authorization header for `user:password@`; empty when both are.
    const std::string& authorization() const noexcept { return parts_->authorization; }
    /// The normalised URL, without user name, password and fragment.
    std::string str() const;
    /// The whole URL as the standard writes it. It may hold a password: not for output.
    std::string href() const;

private:
    struct parts {
        std::string text;
        std::string scheme;
        std::string host;
        std::string target;
        std::string origin;
        std::string host_header;
        std::string authorization;
        std::string username;
        std::string password;
        std::optional<std::string> fragment;
        std::uint16_t port = 0;
        bool secure = false;
        bool host_is_address = false;
    };

    explicit url(parts of) : parts_(std::make_shared<const parts>(std::move(of))) {}

    static parts parts_of(std::string_view text, const detail::url_record& record);
    detail::url_record record() const;

    std::shared_ptr<const parts> parts_;
};

} // namespace weir::http
