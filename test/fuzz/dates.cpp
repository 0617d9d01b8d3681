// Feeds libFuzzer's bytes to the reader of dates: what it reads is the same when it is written
// again, and no Retry-After is negative.
//
// The first four bytes are the time now, the text follows.

#include <weir/http/date.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

using weir::http::format_date;
using weir::http::headers;
using weir::http::parse_date;
using weir::http::retry_after;

namespace {

void must(bool holds, std::string_view what)
{
    if (holds)
        return;
    std::cerr << what << "\n";
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    constexpr std::size_t before = 4;
    if (size < before)
        return 0;
    std::int64_t seconds = 0;
    for (std::size_t i = 0; i < before; ++i)
        seconds = 256 * seconds + data[i];
    const std::chrono::sys_seconds now{std::chrono::seconds(seconds)};
    const std::string_view text(reinterpret_cast<const char*>(data) + before, size - before);
    constexpr std::int64_t year_10000 = 253'402'300'800;
    if (const auto date = parse_date(text, now);
        date && date->time_since_epoch().count() < year_10000)
        must(parse_date(format_date(*date), now) == date, "another date when written again");
    headers fields;
    fields.append("Retry-After", text);
    fields.append("Date", text.substr(text.size() / 2));
    if (const auto wait = retry_after(fields, now))
        must(*wait >= weir::duration::zero(), "a negative wait");
    return 0;
}
