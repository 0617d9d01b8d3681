#pragma once

#include <weir/http/fetch_counts.hpp>
#include <weir/time/clock.hpp>

#include <string>

namespace weir_fetch {

/// A progress line that is redrawn in place on a terminal; it is not shown anywhere else.
class progress {
public:
    progress(int descriptor, bool wanted);

    bool is_shown() const noexcept { return shown_; }
    void show(const weir::http::fetch_counts& counts, weir::duration since);
    /// Removes the line, before other text goes to the same terminal.
    void clear();

private:
    void put(const std::string& text) const;

    int descriptor_;
    bool shown_;
    bool drawn_ = false;
};

/// The text of the line, which fits a narrow terminal.
std::string progress_text(const weir::http::fetch_counts& counts, weir::duration since);

} // namespace weir_fetch
