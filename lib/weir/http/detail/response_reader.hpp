#pragma once

#include <weir/http/request.hpp>
#include <weir/http/response.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// How much of a response is accepted.
struct response_limits {
    std::uint32_t header_bytes = 256 * 1024;
    std::size_t header_fields = 1000;
    std::uint64_t body_bytes = UINT64_MAX;
    unsigned interim_responses = 16; // 1xx before the final one
};

/// One response, read from bytes as they come. No socket and no waiting here: the caller feeds it.
///
/// Fills `into`: status and fields once the header is there, bytes as the body goes to the sink.
/// Errors    in `into.error`: protocol, too_large, incomplete, io (the sink's).
class response_reader {
public:
    enum class state {
        more,  ///< all bytes taken, more are needed
        head,  ///< the final header is there; feed again for the body (once a response)
        done,  ///< complete
        failed ///< see the error
    };

    response_reader(verb method, const response_limits& limits, const body_sink& sink,
                    response& into);
    ~response_reader();

    /// Takes bytes off the front of `bytes`.
    state feed(std::string_view& bytes);
    /// The connection ended: without an error when the peer closed it as it should.
    state end(error_code how);

    /// After `head`: the body is counted and thrown away, and not read further than `limit` bytes.
    void discard_body(std::uint64_t limit);
    /// Some byte of a response has arrived.
    bool started() const noexcept { return started_; }
    /// After `done`: the connection may carry another request.
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
    std::string pending_; // of a header that has not arrived whole
    unsigned interim_ = 0;
    bool started_ = false;
    bool head_told_ = false;
    bool left_over_ = false;
    bool at_end_ = false;
};

/// Seconds in a field such as `Keep-Alive: timeout=5, max=100`.
std::optional<unsigned> keep_alive_seconds(std::string_view field);

} // namespace weir::http::detail
