#include "progress.hpp"

#include "report.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <chrono>

namespace weir_fetch {

progress::progress(int descriptor, bool wanted)
    : descriptor_(descriptor), shown_(wanted && ::isatty(descriptor) == 1)
{
}

void progress::show(const weir::http::fetch_counts& counts, weir::duration since)
{
    if (!shown_)
        return;
    put("\r\x1b[K" + progress_text(counts, since));
    drawn_ = true;
}

void progress::clear()
{
    if (drawn_)
        put("\r\x1b[K");
    drawn_ = false;
}

void progress::put(const std::string& text) const
{
    // A failure is ignored: on a terminal that cannot be written to, no reader misses the line.
    [[maybe_unused]] const auto n = ::write(descriptor_, text.data(), text.size());
}

std::string progress_text(const weir::http::fetch_counts& counts, weir::duration since)
{
    const auto done = counts.ok + counts.failed + counts.aborted;
    const double seconds = std::chrono::duration<double>(since).count();
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    return fmt::format("{} done, {} failed, {} running, {} queued, {}, {:.0f}/s", done,
                       counts.failed + counts.aborted, counts.running, counts.queued,
                       human_bytes(counts.bytes), rate);
}

} // namespace weir_fetch
