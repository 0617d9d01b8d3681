#pragma once

#include "entry.hpp"
#include "record.hpp"
#include "slow_hosts.hpp"

#include <weir/flow/histogram.hpp>
#include <weir/http/fetch_result.hpp>
#include <weir/time/clock.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace weir_fetch {

/// A result as a line of fields between tabs, escaped: status, error class, `skipped` or
/// `duplicate`, bytes, seconds, URL, error text.
std::string tsv_line(const weir::http::fetch_result& result, const entry& what,
                     const stored& where);

/// Counts the results for the summary at the end.
class tally {
public:
    void add(const weir::http::fetch_result& result);
    void add_skipped() { ++all_, ++skipped_; }
    void add_duplicate() { ++all_, ++duplicates_; }
    /// One that an earlier run has done.
    void add_done_before() { ++done_before_; }
    /// Those that were not fetched, and are no failures.
    std::uint64_t not_wanted() const noexcept { return skipped_ + duplicates_; }
    bool some_failed() const noexcept { return failed_ != 0; }
    /// `1000 URLs: 990 x 2xx, 4 x 4xx, 6 x timeout; 1.2 MB in 3.1 s, at most 16 at a time`.
    std::string summary(weir::duration took, std::size_t peak) const;
    /// How long URLs took, with a small histogram, and which hosts were slow: lines that begin with
    /// two blanks, in at most 79 columns. Empty after a few URLs, which say it themselves.
    std::string times() const;
    const slow_hosts& hosts() const noexcept { return hosts_; }

private:
    std::uint64_t all_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t skipped_ = 0;
    std::uint64_t duplicates_ = 0;
    std::uint64_t done_before_ = 0;
    std::uint64_t bytes_ = 0;
    std::array<std::uint64_t, 10> by_status_{};
    /// As many as there are classes, and one for 0, which is none.
    std::array<std::uint64_t, static_cast<std::size_t>(weir::http::error_class::given_up) + 1>
        by_error_{};
    weir::histogram times_; // of those that were asked for
    slow_hosts hosts_;
};

/// A number of bytes for people: 1234567 is `1.2 MB`.
std::string human_bytes(std::uint64_t n);
/// A length of time for people: `24 ms`, `3.1 s`, `2.5 min`.
std::string human_time(weir::duration length);
/// A time that is to come, in steps in which it does not flicker: `8 s`, `25 s`, `3 min`, `2 h 10
/// min`, `3 days`.
std::string human_wait(weir::duration length);

} // namespace weir_fetch
