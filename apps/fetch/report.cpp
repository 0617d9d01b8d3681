#include "report.hpp"

#include "escape.hpp"

#include <weir/http/error.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string_view>
#include <utility>

namespace weir_fetch {
namespace {

using weir::http::error_class;
using weir::http::fetch_result;

double seconds(weir::duration length)
{
    return std::chrono::duration<double>(length).count();
}

} // namespace

std::string tsv_line(const fetch_result& result, const entry& what, const stored& where)
{
    const auto& answer = result.answer;
    std::string first;
    if (where.skipped)
        first = "skipped";
    else if (!answer.error || answer.error->kind() == error_class::http)
        first = std::to_string(answer.status);
    else
        first = name(answer.error->kind());
    return fmt::format("{}\t{}\t{:.3f}\t{}\t{}\n", first, answer.bytes,
                       seconds(answer.timings.total), escaped(what.url),
                       answer.error ? escaped(answer.error->text()) : std::string());
}

void tally::add(const fetch_result& result)
{
    const auto& answer = result.answer;
    ++all_;
    bytes_ += answer.bytes;
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
    if (done_before_ != 0)
        parts += fmt::format("{}{} done before", parts.empty() ? ": " : ", ", done_before_);
    return fmt::format("{} {}{}; {} in {:.1f} s, at most {} at a time", all_ + done_before_,
                       all_ + done_before_ == 1 ? "URL" : "URLs", parts, human_bytes(bytes_),
                       seconds(took), peak);
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
