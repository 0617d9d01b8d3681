#pragma once

#include <weir/http/request.hpp>
#include <weir/http/request_body.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http::detail {

/// The body of a request on its way into one connection: its framing, its parts, and whether there
/// is still somebody who wants them. It uses no socket and no clock.
///
/// Shape: send the header, with `framing` in it; when `expects`, wait until `go_ahead`, or for a
///        while. Then send what `next` gives until it gives nothing.
/// Errors: `failed`, class `io`: from the constructor, and from `next`.
/// Memory: 64 KiB while it is read from a file or a source.
/// Source: RFC 9110 section 10.1.1 for `Expect`, RFC 9112 section 7.1 for chunks.
class upload {
public:
    /// Opens the body. One that is larger than `expect_above`, or whose length is not known, asks
    /// the server first.
    upload(const request& what, std::uint64_t expect_above);

    /// The field lines that describe the body.
    std::string framing() const;
    bool expects() const noexcept { return expects_; }
    /// A small body in memory, to be sent together with the header. `next` skips it then.
    std::string_view take_small();

    /// The bytes to send next; none at the end, and none when it was stopped.
    boost::asio::awaitable<std::string_view> next();

    /// The server wants the body.
    void go_ahead();
    /// Calls this when the server wants the body.
    void on_go_ahead(std::function<void()> then) { then_ = std::move(then); }
    bool may_go() const noexcept { return told_ || !expects_; }
    /// The server has answered, or cannot be reached: what was not sent is not wanted.
    void stop() noexcept { stopped_ = true; }
    bool stopped() const noexcept { return stopped_; }
    /// To be called when the header, or what `next` gave, was sent.
    void sent() noexcept { complete_ = at_end_; }
    /// Whether the header and all of the body were sent.
    bool complete() const noexcept { return complete_; }

private:
    boost::asio::awaitable<std::string_view> next_of_source();
    std::string_view in_chunk(std::size_t size);

    const std::string* text_;
    std::shared_ptr<body_source> source_;
    std::optional<std::uint64_t> length_;
    bool has_body_;
    bool says_none_; // a server expects one of this method
    bool expects_;
    std::uint64_t taken_ = 0;
    std::vector<char> buffer_;
    std::function<void()> then_;
    bool told_ = false;
    bool stopped_ = false;
    bool at_end_ = false;
    bool complete_ = false;
};

} // namespace weir::http::detail
