#pragma once

#include <weir/http/fetcher.hpp>
#include <weir/time/clock.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace weir_fetch {

/// What is told about one URL beside its result.
struct stored {
    std::string sha256; // empty: not known
    std::string file;   // empty: none
};

/// `status or error class, bytes, seconds, URL, error text`, tab-separated, escaped, with a line
/// end.
std::string tsv_line(const weir::http::fetch_result& result);

/// The same and more as one JSON object on one line: url, final_url, status, bytes, sha256, timings
/// {queued, dns, connect, tls, ttfb, total} in seconds, redirects, outcome, error {class, text} or
/// null, and file when the body was stored.
std::string json_line(const weir::http::fetch_result& result, const stored& where);

/// Counts for the line at the end.
class job_counters {
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
    std::array<std::uint64_t, 16> by_error_{};
};

/// 1234567 as `1.2 MB`.
std::string human_bytes(std::uint64_t n);

} // namespace weir_fetch
