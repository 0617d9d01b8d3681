#include "progress.hpp"

#include "report.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace weir_fetch {
namespace {

constexpr std::size_t usual_columns = 80;
/// Below that, words are shorter.
constexpr std::size_t narrow = 60;
constexpr std::size_t longest_name = 24;

double seconds(weir::duration length)
{
    return std::chrono::duration<double>(length).count();
}

/// A terminal may be narrower already than it says: then it is not to begin another row.
std::string unwrapped(const std::string& line)
{
    return "\x1b[?7l" + line + "\x1b[?7h";
}

std::string cut(const std::string& name)
{
    return name.size() <= longest_name ? name : name.substr(0, longest_name - 2) + "..";
}

} // namespace

void recent_rates::look(std::uint64_t bytes, std::uint64_t done, weir::time_point now)
{
    const sample seen{now, bytes, done};
    if (samples_.size() > 1 && now - samples_[samples_.size() - 2].at < looked_back_ / 30)
        samples_.back() = seen; // so that they stay few
    else
        samples_.push_back(seen);
    while (samples_.size() > 2 && samples_[1].at + looked_back_ <= now)
        samples_.pop_front();
}

weir::duration recent_rates::length() const
{
    return samples_.empty() ? weir::duration::zero() : samples_.back().at - samples_.front().at;
}

double recent_rates::bytes_per_second() const
{
    if (length() <= weir::duration::zero())
        return 0;
    return static_cast<double>(samples_.back().bytes - samples_.front().bytes) / seconds(length());
}

double recent_rates::done_per_second() const
{
    if (length() <= weir::duration::zero())
        return 0;
    return static_cast<double>(samples_.back().done - samples_.front().done) / seconds(length());
}

/// What a line is made of. In a narrow one, those of the lowest rank are left out.
struct headway::part {
    int rank;
    std::string text;
};

headway::headway() : lately_(std::chrono::seconds(3)), before_(std::chrono::seconds(30)) {}

std::uint64_t headway::ended() const noexcept
{
    return last_.counts.ok + last_.counts.failed;
}

void headway::look(standing now_is, weir::time_point now)
{
    last_ = std::move(now_is);
    if (last_.total && last_.total->entries < 2)
        last_.total.reset(); // of one, all is said by its bytes
    lately_.look(last_.counts.received, ended(), now);
    before_.look(last_.counts.received, ended(), now);
}

/// Nothing while nobody can tell.
std::optional<weir::duration> headway::left() const
{
    constexpr double longest = 1e9; // seconds
    const double rate = before_.done_per_second();
    if (!last_.total || rate <= 0 || before_.length() < std::chrono::seconds(1))
        return std::nullopt;
    const std::uint64_t to_come = last_.total->entries - std::min(last_.total->entries, ended());
    const double left = std::min(static_cast<double>(to_come) / rate, longest);
    return std::chrono::duration_cast<weir::duration>(std::chrono::duration<double>(left));
}

std::vector<headway::part> headway::parts(bool is_narrow) const
{
    const auto& counts = last_.counts;
    const auto time_left = left();
    // When an end is in sight, that is what people look for.
    const bool has_end = time_left.has_value();
    std::vector<part> all;
    const auto add = [&](int rank, std::string text) { all.push_back({rank, std::move(text)}); };
    if (!last_.total)
        add(10, fmt::format("{} done", ended()));
    else
        add(10, fmt::format("{}{}{}{} done", ended(), is_narrow ? "/" : " of ",
                            last_.total->is_exact ? ""
                            : is_narrow           ? "~"
                                                  : "about ",
                            std::max(last_.total->entries, ended())));
    add(8, fmt::format("{} failed", counts.failed));
    if (counts.aborted != 0)
        add(7, fmt::format("{} not begun", counts.aborted));
    add(has_end ? 4 : 3, fmt::format("{} running", counts.running));
    if (!last_.total)
        add(1, fmt::format("{} queued", counts.queued));
    add(has_end ? 3 : 5, human_bytes(counts.received));
    add(has_end ? 5 : 9,
        human_bytes(static_cast<std::uint64_t>(lately_.bytes_per_second())) + "/s");
    add(has_end ? 6 : 2, fmt::format("{:.0f}/s", lately_.done_per_second()));
    if (has_end)
        add(7, fmt::format("{}{} left", is_narrow ? "~" : "about ", human_wait(*time_left)));
    for (std::size_t i = 0; i < last_.slowest.size(); ++i)
        add(-static_cast<int>(i),
            fmt::format("{}{} {}", i == 0 ? "slowest " : "", cut(last_.slowest[i].name),
                        human_time(last_.slowest[i].mean())));
    return all;
}

std::string headway::text(std::size_t columns) const
{
    const auto by_rank = [](const part& a, const part& b) { return a.rank < b.rank; };
    for (auto left = parts(columns < narrow);;
         left.erase(std::min_element(left.begin(), left.end(), by_rank))) {
        std::string line;
        for (const part& each : left)
            line += (line.empty() ? "" : ", ") + each.text;
        if (line.size() <= columns || left.size() == 1)
            return line.substr(0, columns);
    }
}

progress::progress(int descriptor, bool wanted)
    : descriptor_(descriptor), shown_(wanted && ::isatty(descriptor) == 1)
{
}

std::size_t progress::columns() const
{
    winsize size{};
    if (::ioctl(descriptor_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return usual_columns;
    return size.ws_col;
}

void progress::show()
{
    if (!shown_)
        return;
    const std::size_t width = columns();
    // The last column stays free: behind it some terminals begin another line.
    std::string line = headway_.text(std::max<std::size_t>(width, 2) - 1);
    if (drawn_ && width == width_) {
        if (line != line_)
            put("\r" + unwrapped(line) + (line.size() < line_.size() ? "\x1b[K" : ""));
    } else {
        put(erasure(width) + unwrapped(line));
    }
    line_ = std::move(line);
    width_ = width;
    drawn_ = true;
}

void progress::clear()
{
    if (drawn_)
        put(erasure(columns()));
    drawn_ = false;
}

/// What removes the line. A terminal that became narrower may have broken it into rows: the others
/// are above the last one.
std::string progress::erasure(std::size_t width) const
{
    std::string text = "\r\x1b[K";
    if (drawn_ && line_.size() > width)
        for (std::size_t row = (line_.size() - 1) / width; row != 0; --row)
            text += "\x1b[A\x1b[K";
    return text;
}

void progress::put(const std::string& text) const
{
    // A failure is ignored: on a terminal that cannot be written to, no reader misses the line.
    [[maybe_unused]] const auto n = ::write(descriptor_, text.data(), text.size());
}

} // namespace weir_fetch
