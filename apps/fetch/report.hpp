#pragma once

#include <weir/http/fetch_result.hpp>
#include <weir/time/clock.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace weir_fetch {

/// What is reported about a stored body, in addition to the result.
struct stored {
    std::string sha256; // empty when not known
    std::string file;   // empty when there is none
};

/// A result as a line of fields between tabs, escaped: status or error class, bytes, seconds, URL,
/// error text.
std::string tsv_line(const weir::http::fetch_result& result);

/// A result as a JSON object on one line: url, final_url, status, bytes, sha256, timings {queued,
/// dns, connect, tls, ttfb, total} in seconds, redirects, attempts, outcome, error {class, text} or
/// null, and file when the body was stored.
std::string json_line(const weir::http::fetch_result& result, const stored& where);

/// Counts the results for the summary at the end.
class tally {
public:
    void add(const weir::http::fetch_result& result);
    bool some_failed() const noexcept { return failed_ != 0; }
    /// `1000 URLs: 990 x 2xx, 4 x 4xx, 6 x timeout; 1.2 MB in 3.1 s, at most 16 at a time`.
    std::string summary(weir::duration took, std::size_t peak) const;

private:
    std::uint64_t all_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t bytes_ = 0;
    std::array<std::uint64_t, 10> by_status_{};
    std::array<std::uint64_t, 17> by_error_{};
};

/// A number of bytes for people: 1234567 is `1.2 MB`.
std::string human_bytes(std::uint64_t n);

} // namespace weir_fetch
