#include "report.hpp"

#include "escape.hpp"

#include <weir/http/error.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string_view>
#include <utility>

namespace weir_fetch {
namespace {

namespace json = boost::json;
using weir::http::error_class;
using weir::http::fetch_result;

double seconds(weir::duration length)
{
    return std::chrono::duration<double>(length).count();
}

/// Rounds to microseconds: more decimals would only make the lines longer.
double rounded(weir::duration length)
{
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(length).count();
    return static_cast<double>(us) / 1e6;
}

/// Escapes DEL and the controls above ASCII, which are plain text in JSON and commands to a
/// terminal.
std::string without_controls(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0u;
        if (byte == 0x7f)
            out += "\\u007f";
        else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
            out += fmt::format("\\u{:04x}", next);
            ++i;
        } else
            out += text[i];
    }
    return out;
}

json::object times(const fetch_result& result)
{
    const auto& t = result.answer.timings;
    json::object out;
    out["queued"] = rounded(result.queue_wait);
    out["dns"] = rounded(t.dns);
    out["connect"] = rounded(t.connect);
    out["tls"] = rounded(t.tls);
    out["ttfb"] = rounded(t.first_byte);
    out["total"] = rounded(t.total);
    return out;
}

} // namespace

std::string tsv_line(const fetch_result& result)
{
    const auto& answer = result.answer;
    std::string first;
    if (!answer.error || answer.error->kind() == error_class::http)
        first = std::to_string(answer.status);
    else
        first = name(answer.error->kind());
    return fmt::format("{}\t{}\t{:.3f}\t{}\t{}\n", first, answer.bytes,
                       seconds(answer.timings.total), escaped(result.url),
                       answer.error ? escaped(answer.error->text()) : std::string());
}

std::string json_line(const fetch_result& result, const stored& where)
{
    const auto& answer = result.answer;
    json::object out;
    out["url"] = as_utf8(result.url);
    if (result.final_url.empty())
        out["final_url"] = nullptr;
    else
        out["final_url"] = as_utf8(result.final_url);
    if (answer.status == 0)
        out["status"] = nullptr;
    else
        out["status"] = answer.status;
    out["bytes"] = answer.bytes;
    if (where.sha256.empty())
        out["sha256"] = nullptr;
    else
        out["sha256"] = where.sha256;
    out["timings"] = times(result);
    out["redirects"] = result.redirects;
    out["attempts"] = result.attempts;
    out["outcome"] = weir::to_string(result.status);
    if (answer.error) {
        json::object error;
        error["class"] = std::string(name(answer.error->kind()));
        error["text"] = as_utf8(answer.error->text());
        out["error"] = std::move(error);
    } else {
        out["error"] = nullptr;
    }
    if (!where.file.empty())
        out["file"] = where.file;
    return without_controls(json::serialize(out)) + "\n";
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
    return fmt::format("{} URLs{}; {} in {:.1f} s, at most {} at a time", all_, parts,
                       human_bytes(bytes_), seconds(took), peak);
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
