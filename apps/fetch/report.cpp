#include "report.hpp"

#include "escape.hpp"

#include <weir/http/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

namespace weir_fetch {
namespace {

using weir::http::error_class;
using weir::http::fetch_result;

double seconds(weir::duration length)
{
    return std::chrono::duration<double>(length).count();
}

/// 3 ms, 10 s.
std::string human_bound(std::int64_t ms)
{
    return ms < 1000 ? fmt::format("{} ms", ms) : fmt::format("{} s", ms / 1000);
}

constexpr std::size_t columns = 79;
constexpr std::size_t longest_name = 32;

/// A row for each step of about three times the one before, from the first that is not empty to the
/// last.
std::string histogram_rows(const weir::histogram& times)
{
    using std::chrono::milliseconds;
    constexpr std::size_t widest = 16;
    std::vector<std::pair<std::string, std::uint64_t>> rows;
    std::uint64_t before = 0;
    std::uint64_t most = 0;
    for (std::int64_t step = 1, ms = 1; before != times.count(); ++step) {
        const bool is_last = step == 14; // 50 minutes
        const std::uint64_t up_to = is_last ? times.count() : times.count_up_to(milliseconds(ms));
        rows.emplace_back(is_last ? "more" : "<= " + human_bound(ms), up_to - before);
        most = std::max(most, up_to - before);
        before = up_to;
        ms = step % 2 == 1 ? ms * 3 : ms / 3 * 10;
        if (up_to == 0)
            rows.clear();
    }
    const std::size_t digits = std::to_string(most).size();
    std::string text;
    for (const auto& [label, count] : rows) {
        const auto marks = (count * widest + most - 1) / most;
        const std::string row = fmt::format("  {:<10} {:>{}} {:#<{}}", label, count, digits, "",
                                            static_cast<std::size_t>(marks));
        text += row.substr(0, row.find_last_not_of(' ') + 1) + '\n';
    }
    return text;
}

} // namespace

std::string tsv_line(const fetch_result& result, const entry& what, const stored& where)
{
    const auto& answer = result.answer;
    std::string first;
    if (where.skipped)
        first = "skipped";
    else if (what.first)
        first = "duplicate";
    else if (!answer.error || answer.error->kind() == error_class::http)
        first = std::to_string(answer.status);
    else
        first = name(answer.error->kind());
    return fmt::format("{}\t{}\t{:.3f}\t{}\t{}\n", first, answer.bytes,
                       seconds(answer.timings.total), escaped(what.url),
                       answer.error ? escaped(answer.error->text())
                       : what.first ? "the same as " + what.first->text()
                                    : std::string());
}

void tally::add(const fetch_result& result)
{
    const auto& answer = result.answer;
    ++all_;
    bytes_ += answer.bytes;
    if (result.attempts != 0) {
        times_.add(answer.timings.total);
        hosts_.add(result.final_url, answer.timings.total);
    }
    failed_ += answer.error ? 1 : 0;
    if (answer.error && answer.error->kind() != error_class::http)
        ++by_error_[static_cast<std::size_t>(answer.error->kind())];
    else
        ++by_status_[answer.status / 100 % by_status_.size()];
}

std::string tally::summary(weir::duration took, std::size_t peak) const
{
    std::string parts;
    const auto append = [&](std::uint64_t n, const std::string& what) {
        if (n != 0)
            parts += fmt::format("{}{} x {}", parts.empty() ? ": " : ", ", n, what);
    };
    for (std::size_t i = 0; i < by_status_.size(); ++i)
        append(by_status_[i], fmt::format("{}xx", i));
    for (std::size_t i = 1; i < by_error_.size(); ++i)
        append(by_error_[i], std::string(name(static_cast<error_class>(i))));
    append(skipped_, "skipped");
    append(duplicates_, "duplicate");
    if (done_before_ != 0)
        parts += fmt::format("{}{} done before", parts.empty() ? ": " : ", ", done_before_);
    return fmt::format("{} {}{}; {} in {:.1f} s, at most {} at a time", all_ + done_before_,
                       all_ + done_before_ == 1 ? "URL" : "URLs", parts, human_bytes(bytes_),
                       seconds(took), peak);
}

std::string tally::times() const
{
    constexpr std::uint64_t few = 10;
    constexpr std::size_t most_hosts = 3;
    if (times_.count() < few)
        return {};
    std::string text =
        fmt::format("  time: 50 % within {}, 90 % {}, 99 % {}, longest {}\n",
                    human_time(times_.quantile(0.5)), human_time(times_.quantile(0.9)),
                    human_time(times_.quantile(0.99)), human_time(times_.max()));
    text += histogram_rows(times_);
    std::string line = "  slowest hosts:";
    const auto slowest = hosts_.slowest(most_hosts);
    for (const auto& each : slowest) {
        const std::string name = each.name.size() <= longest_name
                                     ? each.name
                                     : each.name.substr(0, longest_name - 2) + "..";
        const std::string more =
            fmt::format(" {} {} ({}),", name, human_time(each.mean()), each.urls);
        if (line.size() + more.size() <= columns)
            line += more;
    }
    line.back() = '\n'; // it was a comma
    if (!slowest.empty())
        text += line;
    text.pop_back();
    return text;
}

std::string human_time(weir::duration length)
{
    const double s = seconds(length);
    if (s < 0.00995)
        return fmt::format("{:.1f} ms", s * 1e3);
    if (s < 0.9995)
        return fmt::format("{:.0f} ms", s * 1e3);
    if (s < 59.95)
        return fmt::format("{:.1f} s", s);
    if (s < 59.95 * 60)
        return fmt::format("{:.1f} min", s / 60);
    return fmt::format("{:.1f} h", s / 3600);
}

std::string human_wait(weir::duration length)
{
    const auto up = [](std::int64_t n, std::int64_t step) { return (n + step - 1) / step; };
    const auto s =
        std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(length).count());
    if (s <= 10)
        return fmt::format("{} s", s);
    if (s <= 60)
        return fmt::format("{} s", 5 * up(s, 5));
    if (s <= 3600)
        return fmt::format("{} min", up(s, 60));
    if (s <= 48 * 3600) {
        const std::int64_t minutes = 10 * up(s, 600);
        return fmt::format("{} h {} min", minutes / 60, minutes % 60);
    }
    return fmt::format("{} days", up(s, 24 * 3600));
}

std::string human_bytes(std::uint64_t n)
{
    if (n < 1000)
        return fmt::format("{} B", n);
    double value = static_cast<double>(n);
    for (const std::string_view unit : {"kB", "MB", "GB", "TB"}) {
        value /= 1000;
        if (value < 999.95)
            return fmt::format("{:.1f} {}", value, unit);
    }
    return fmt::format("{:.1f} PB", value / 1000);
}

} // namespace weir_fetch
