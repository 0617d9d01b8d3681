#pragma once

#include <weir/http/fetcher.hpp>
#include <weir/time/clock.hpp>

#include <string>

namespace weir_fetch {

/// One line about the run on a terminal, written over and over; nothing elsewhere.
class progress {
public:
    progress(int descriptor, bool wanted);

    bool is_shown() const noexcept { return shown_; }
    void show(const weir::http::fetch_counts& counts, weir::duration since);
    /// Takes the line away, before other text goes to the same terminal.
    void clear();

private:
    void put(const std::string& text) const;

    int descriptor_;
    bool shown_;
    bool drawn_ = false;
};

/// The text of the line, not longer than a narrow terminal.
std::string progress_text(const weir::http::fetch_counts& counts, weir::duration since);

} // namespace weir_fetch
