#include "write_out.hpp"

#include "escape.hpp"

#include <weir/http/error.hpp>
#include <weir/http/response.hpp>
#include <weir/http/url.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace weir_fetch {
namespace {

using source = write_out_source;
using weir::http::response;

const response& answer_of(const source& of)
{
    return of.result.answer;
}

std::string seconds(weir::duration length)
{
    return fmt::format("{:.6f}", std::chrono::duration<double>(length).count());
}

std::string http_code(const source& of)
{
    return fmt::format("{:03}", answer_of(of).status);
}

std::string http_version(const source& of)
{
    const unsigned version = answer_of(of).version;
    return version == 0 ? "0" : fmt::format("{}.{}", version / 10, version % 10);
}

std::string url_effective(const source& of)
{
    return of.result.final_url.empty() ? of.what.url : of.result.final_url;
}

std::string scheme(const source& of)
{
    const std::string& url = of.result.final_url;
    return url.substr(0, url.find("://"));
}

/// Where a redirect leads that was not followed.
std::string redirect_url(const source& of)
{
    const auto& answer = answer_of(of);
    const auto location = answer.fields["Location"];
    if (answer.status / 100 != 3 || location.empty())
        return {};
    const auto base = weir::http::url::parse(of.result.final_url);
    if (!base)
        return {};
    const auto next = base->resolve(location);
    return next ? next->str() : std::string();
}

std::string content_type(const source& of)
{
    return std::string(answer_of(of).fields["Content-Type"]);
}

/// Of the last attempt that had an address; nothing when none had.
std::optional<boost::asio::ip::tcp::endpoint> remote(const source& of)
{
    const auto& attempts = answer_of(of).attempts;
    for (auto each = attempts.rbegin(); each != attempts.rend(); ++each)
        if (each->address.port() != 0)
            return each->address;
    return std::nullopt;
}

std::string remote_ip(const source& of)
{
    const auto address = remote(of);
    return address ? address->address().to_string() : std::string();
}

std::string remote_port(const source& of)
{
    const auto address = remote(of);
    return address ? std::to_string(address->port()) : "0";
}

std::string speed_download(const source& of)
{
    const auto& answer = answer_of(of);
    const double took = std::chrono::duration<double>(answer.timings.total).count();
    return took > 0 ? fmt::format("{:.0f}", static_cast<double>(answer.wire_bytes) / took) : "0";
}

/// curl's times count from the beginning, and those here are the lengths of the steps.
weir::duration until_connected(const source& of)
{
    const auto& times = answer_of(of).timings;
    return times.dns + times.connect;
}

std::string time_appconnect(const source& of)
{
    const auto tls = answer_of(of).timings.tls;
    return seconds(tls == weir::duration::zero() ? tls : until_connected(of) + tls);
}

std::string json(const source& of)
{
    std::string line = json_line(of.result, of.what, of.where);
    line.pop_back(); // the line end
    return line;
}

struct variable {
    std::string_view name;
    std::string (*read)(const source& of);
    bool is_safe; // a number, or escaped already
};

constexpr variable variables[] = {
    {"content_type", content_type, false},
    {"errormsg",
     [](const source& of) {
         return answer_of(of).error ? answer_of(of).error->text() : std::string();
     },
     false},
    {"exitcode", [](const source& of) { return std::string(answer_of(of).error ? "1" : "0"); },
     true},
    {"filename_effective", [](const source& of) { return of.where.path; }, false},
    {"http_code", http_code, true},
    {"http_version", http_version, true},
    {"json", json, true},
    {"num_headers", [](const source& of) { return std::to_string(answer_of(of).fields.size()); },
     true},
    {"num_redirects", [](const source& of) { return std::to_string(of.result.redirects); }, true},
    {"num_retries",
     [](const source& of) {
         return std::to_string(of.result.attempts > 1 ? of.result.attempts - 1 : 0);
     },
     true},
    {"redirect_url", redirect_url, false},
    {"remote_ip", remote_ip, true},
    {"remote_port", remote_port, true},
    {"response_code", http_code, true},
    {"scheme", scheme, true},
    {"size_download", [](const source& of) { return std::to_string(answer_of(of).wire_bytes); },
     true},
    {"speed_download", speed_download, true},
    {"time_appconnect", time_appconnect, true},
    {"time_connect", [](const source& of) { return seconds(until_connected(of)); }, true},
    {"time_namelookup", [](const source& of) { return seconds(answer_of(of).timings.dns); }, true},
    {"time_queue", [](const source& of) { return seconds(of.result.queue_wait); }, true},
    {"time_starttransfer",
     [](const source& of) { return seconds(answer_of(of).timings.first_byte); }, true},
    {"time_total", [](const source& of) { return seconds(answer_of(of).timings.total); }, true},
    {"url", [](const source& of) { return of.what.url; }, false},
    {"url_effective", url_effective, false},
};

/// What a character after a backslash stands for; nothing for most.
std::optional<char> unescaped(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return std::nullopt;
    }
}

} // namespace

write_out::write_out(std::string_view format)
{
    while (!format.empty()) {
        const auto special = std::min(format.find_first_of("%\\"), format.size());
        add_text(format.substr(0, special));
        format.remove_prefix(special);
        if (format.size() < 2) {
            add_text(format);
            return;
        }
        if (format.front() == '%') {
            format.remove_prefix(read_percent(format));
            continue;
        }
        if (const auto c = unescaped(format[1]))
            add_text(std::string_view(&*c, 1));
        else
            add_text(format.substr(0, 2));
        format.remove_prefix(2);
    }
}

/// Reads what begins with a percent sign, and returns how long it is.
std::size_t write_out::read_percent(std::string_view rest)
{
    constexpr std::string_view before_header = "%header{";
    const bool is_header = rest.starts_with(before_header);
    const std::size_t begin = is_header ? before_header.size() : 2;
    const auto end = rest.find('}');
    if (rest[1] == '%') {
        add_text("%");
        return 2;
    }
    if ((!is_header && rest[1] != '{') || end == std::string_view::npos) {
        add_text(rest.substr(0, begin));
        return begin;
    }
    const auto name = rest.substr(begin, end - begin);
    if (is_header)
        items_.push_back({kind::header, std::string(name)});
    else
        add_variable(name);
    return end + 1;
}

void write_out::add_text(std::string_view text)
{
    if (!items_.empty() && items_.back().what == kind::text)
        items_.back().text += text;
    else if (!text.empty())
        items_.push_back({kind::text, std::string(text)});
}

void write_out::add_variable(std::string_view name)
{
    const std::pair<std::string_view, kind> others[] = {
        {"stdout", kind::to_out}, {"stderr", kind::to_err}, {"onerror", kind::on_error}};
    for (const auto& [other, what] : others) {
        if (other != name)
            continue;
        items_.push_back({what});
        return;
    }
    for (const variable& each : variables)
        if (each.name == name) {
            items_.push_back({kind::variable, std::string(), each.read, each.is_safe});
            has_json_ = has_json_ || each.read == &json;
            return;
        }
    unknown_.emplace_back(name);
}

write_out::output write_out::text(const source& of, texts to_out, texts to_err) const
{
    output all;
    bool to_stderr = false;
    for (const item& each : items_) {
        std::string& into = to_stderr ? all.err : all.out;
        const bool is_escaped = (to_stderr ? to_err : to_out) == texts::escaped;
        const auto add = [&](std::string_view value) {
            into += is_escaped && !each.is_safe ? escaped(value) : std::string(value);
        };
        switch (each.what) {
        case kind::text:
            into += each.text;
            break;
        case kind::variable:
            add(each.read(of));
            break;
        case kind::header:
            add(answer_of(of).fields[each.text]);
            break;
        case kind::on_error:
            if (!answer_of(of).error)
                return all;
            break;
        default:
            to_stderr = each.what == kind::to_err;
        }
    }
    return all;
}

} // namespace weir_fetch
