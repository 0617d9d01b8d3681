#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace weir::http {

/// The body of a request that is made while it is sent. Derive from it to send what is neither in
/// memory nor in a file.
///
/// Threads: those of the client.
class body_source {
public:
    virtual ~body_source() = default;

    /// Puts the next bytes at `to`, at most `size` of them; returns how many, and 0 at the end. It
    /// is called again when those were sent, so a slow server slows it down.
    ///
    /// Errors: what it throws ends the request with class `io`; `failed` with its own class.
    /// Cancellation: terminal, when the request is cancelled, or answered before all was sent.
    virtual boost::asio::awaitable<std::size_t> read(char* to, std::size_t size) = 0;

    /// How many bytes there are; no more than these are asked for. Without a length the body is
    /// sent in chunks.
    virtual std::optional<std::uint64_t> length() const { return std::nullopt; }

    /// Whether `rewind` goes back to the first byte. Otherwise the request is neither sent again on
    /// another connection nor follows a redirect that wants the body again.
    virtual bool can_rewind() const { return false; }
    virtual void rewind() {}
};

/// What a request carries: nothing, bytes in memory, a file, or what a source gives.
///
/// Shape: copies share the bytes or the source. A source serves one request at a time: another that
///        is made meanwhile ends with class `io`.
class request_body {
public:
    /// Nothing.
    request_body() = default;
    static request_body text(std::string bytes);
    /// A file, which is opened when the request is sent, and has the length that it has then.
    ///
    /// Errors: class `io` and the name of the file, when it cannot be read. Throws
    ///         `std::invalid_argument` for an empty name.
    static request_body file(std::string path);
    /// Throws `std::invalid_argument` when there is no source.
    static request_body from(std::shared_ptr<body_source> source);

    bool is_none() const noexcept { return !text_ && path_.empty() && !stream_; }
    /// Whether it can be sent from its first byte: always, except for a source that was read from
    /// and cannot rewind.
    bool can_be_sent() const;
    /// The bytes when they are in memory, otherwise null.
    const std::string* in_memory() const noexcept { return text_.get(); }
    /// The bytes from the first one on, of a body that is not in memory. Throws `failed` (class
    /// `io`) when there is none.
    std::shared_ptr<body_source> open() const;

private:
    class stream;

    std::shared_ptr<const std::string> text_;
    std::string path_;
    std::shared_ptr<stream> stream_;
};

} // namespace weir::http
