#include <weir/http/date.hpp>

#include <weir/http/detail/digits.hpp>
#include <weir/http/detail/message_lines.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace weir::http {
namespace {

namespace chrono = std::chrono;

constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> day_names{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::size_t short_name = 3;

/// What a date says; members compare in the order of time.
struct parts {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;

    auto operator<=>(const parts&) const = default;
};

/// Takes a date apart from left to right. After the first thing that does not fit, `good` is false.
class date_reader {
public:
    explicit date_reader(std::string_view text) noexcept : left_(text) {}

    bool good() const noexcept { return good_ && left_.empty(); }

    void text(std::string_view expected)
    {
        good_ = good_ && left_.size() >= expected.size() &&
                same_token(left_.substr(0, expected.size()), expected);
        left_.remove_prefix(good_ ? expected.size() : 0);
    }

    /// The name at the front, of which the first `size` characters count.
    template <std::size_t N>
    unsigned name(const std::array<std::string_view, N>& all, std::size_t size)
    {
        const auto found = std::find_if(all.begin(), all.end(), [&](std::string_view each) {
            return same_token(left_.substr(0, each.substr(0, size).size()), each.substr(0, size));
        });
        good_ = good_ && found != all.end();
        if (good_)
            left_.remove_prefix(found->substr(0, size).size());
        return static_cast<unsigned>(found - all.begin());
    }

    int digits(std::size_t count)
    {
        int value = 0;
        for (; good_ && count != 0; --count) {
            good_ = !left_.empty() && detail::is_digit(left_.front());
            if (!good_)
                break;
            value = 10 * value + (left_.front() - '0');
            left_.remove_prefix(1);
        }
        return value;
    }

    void month(parts& into) { into.month = name(month_names, short_name) + 1; }
    void day(parts& into) { into.day = static_cast<unsigned>(digits(2)); }

    void time_of_day(parts& into)
    {
        into.hour = digits(2);
        text(":");
        into.minute = digits(2);
        text(":");
        into.second = digits(2);
    }

    char front() const noexcept { return left_.empty() ? '\0' : left_.front(); }

private:
    std::string_view left_;
    bool good_ = true;
};

/// `Sun, 06 Nov 1994 08:49:37 GMT`
std::optional<parts> read_imf(std::string_view text)
{
    parts is;
    date_reader from(text);
    from.name(day_names, short_name);
    from.text(", ");
    from.day(is);
    from.text(" ");
    from.month(is);
    from.text(" ");
    is.year = from.digits(4);
    from.text(" ");
    from.time_of_day(is);
    from.text(" GMT");
    return from.good() ? std::optional(is) : std::nullopt;
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`; the year without its century.
std::optional<parts> read_rfc850(std::string_view text)
{
    parts is;
    date_reader from(text);
    from.name(day_names, std::string_view::npos);
    from.text(", ");
    from.day(is);
    from.text("-");
    from.month(is);
    from.text("-");
    is.year = from.digits(2);
    from.text(" ");
    from.time_of_day(is);
    from.text(" GMT");
    return from.good() ? std::optional(is) : std::nullopt;
}

/// `Sun Nov  6 08:49:37 1994`
std::optional<parts> read_asctime(std::string_view text)
{
    parts is;
    date_reader from(text);
    from.name(day_names, short_name);
    from.text(" ");
    from.month(is);
    from.text(" ");
    if (from.front() == ' ') {
        from.text(" ");
        is.day = static_cast<unsigned>(from.digits(1));
    } else {
        from.day(is);
    }
    from.text(" ");
    from.time_of_day(is);
    from.text(" ");
    is.year = from.digits(4);
    return from.good() ? std::optional(is) : std::nullopt;
}

parts parts_of(chrono::sys_seconds time)
{
    const auto midnight = chrono::floor<chrono::days>(time);
    const chrono::year_month_day date(midnight);
    const chrono::hh_mm_ss clock(time - midnight);
    return {static_cast<int>(date.year()),
            static_cast<unsigned>(date.month()),
            static_cast<unsigned>(date.day()),
            static_cast<int>(clock.hours().count()),
            static_cast<int>(clock.minutes().count()),
            static_cast<int>(clock.seconds().count())};
}

/// Adds the century: the latest that is at most 50 years after `now`.
void complete_year(parts& date, chrono::sys_seconds now)
{
    constexpr int century = 100, ahead = 50;
    parts latest = parts_of(now);
    latest.year += ahead;
    date.year += latest.year - latest.year % century;
    if (date > latest)
        date.year -= century;
}

std::optional<chrono::sys_seconds> time_of(const parts& is)
{
    const chrono::year_month_day day(chrono::year(is.year), chrono::month(is.month),
                                     chrono::day(is.day));
    constexpr int leap_second = 60;
    if (!day.ok() || is.hour > 23 || is.minute > 59 || is.second > leap_second)
        return std::nullopt;
    return chrono::sys_days(day) + chrono::hours(is.hour) + chrono::minutes(is.minute) +
           chrono::seconds(is.second);
}

constexpr std::int64_t longest_seconds =
    chrono::duration_cast<chrono::seconds>(duration::max()).count();

/// Digits alone; what is longer than any duration is the longest.
std::optional<duration> read_seconds(std::string_view text)
{
    if (text.empty())
        return std::nullopt;
    std::int64_t seconds = 0;
    for (const char c : text) {
        if (c < '0' || c > '9')
            return std::nullopt;
        // The last digit of more would not fit.
        seconds = std::min(longest_seconds / 10 + 1, seconds) * 10 + (c - '0');
    }
    return seconds > longest_seconds ? duration::max() : duration(chrono::seconds(seconds));
}

} // namespace

std::optional<chrono::sys_seconds> parse_date(std::string_view text, chrono::sys_seconds now)
{
    std::optional<parts> found = read_imf(text);
    if (!found)
        found = read_asctime(text);
    if (!found) {
        found = read_rfc850(text);
        if (found)
            complete_year(*found, now);
    }
    return found ? time_of(*found) : std::nullopt;
}

std::string format_date(chrono::sys_seconds date)
{
    const parts is = parts_of(date);
    const chrono::weekday day(chrono::floor<chrono::days>(date));
    std::array<char, 64> text{};
    const int size =
        std::snprintf(text.data(), text.size(), "%.3s, %02u %s %04d %02d:%02d:%02d GMT",
                      day_names.at(day.c_encoding()).data(), is.day,
                      month_names.at(is.month - 1).data(), is.year, is.hour, is.minute, is.second);
    return {text.data(), static_cast<std::size_t>(size)};
}

std::optional<duration> retry_after(const headers& fields, chrono::sys_seconds now)
{
    const auto value = detail::trimmed(fields["Retry-After"]);
    if (const auto seconds = read_seconds(value))
        return seconds;
    const auto date = parse_date(value, now);
    if (!date)
        return std::nullopt;
    const auto sent = parse_date(detail::trimmed(fields["Date"]), now);
    const auto wait = std::max<chrono::seconds>(*date - sent.value_or(now), {});
    return wait.count() > longest_seconds ? duration::max() : duration(wait);
}

} // namespace weir::http
