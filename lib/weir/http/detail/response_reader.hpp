#pragma once

#include <weir/http/body.hpp>
#include <weir/http/error.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// How large a response may be.
struct response_limits {
    std::uint32_t header_bytes = 256 * 1024;
    std::size_t header_fields = 1000;
    std::uint64_t body_bytes = UINT64_MAX;
    unsigned interim_responses = 16; // 1xx responses before the final one
};

/// Reads one response from bytes as they arrive. It uses no socket and never waits: the caller
/// feeds it.
///
/// Shape: fills `into`: status and fields when the header is complete, bytes while the body goes to
///        the sink.
/// Errors: in `into.error`: protocol, too_large, incomplete, io (the sink's).
class response_reader {
public:
    enum class state {
        more,  ///< all bytes were taken; feed more
        head,  ///< the final header is complete: returned once; feed again for the body
        done,  ///< the response is complete
        failed ///< see the error
    };

    response_reader(verb method, const response_limits& limits, const body_sink& sink,
                    response& into);
    ~response_reader();

    /// Removes what it reads from the front of `bytes`.
    state feed(std::string_view& bytes);
    /// To be called when the connection ended; without an error when the peer closed it as it
    /// should.
    state end(error_code how);

    /// After `head`: counts the body and discards it, and stops reading after `max_bytes`.
    void discard_body(std::uint64_t max_bytes);
    /// Whether any byte of a response has arrived.
    bool started() const noexcept { return started_; }
    /// After `done`: whether the connection may carry another request.
    bool reusable() const;

private:
    struct parser;

    state run(std::string_view& bytes);
    state head_arrived();
    state fail(error_class kind, std::string text, error_code code = {});
    state fail(error_code code);

    verb method_;
    response_limits limits_;
    body_sink sink_;
    response& into_;
    std::unique_ptr<parser> parser_;
    std::string pending_; // part of a header that is not complete yet
    unsigned interim_ = 0;
    bool started_ = false;
    bool head_told_ = false;
    bool left_over_ = false;
    bool at_end_ = false;
};

} // namespace weir::http::detail
