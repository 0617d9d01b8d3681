#include "record.hpp"

#include "escape.hpp"

#include <weir/http/error.hpp>
#include <weir/http/phase.hpp>
#include <weir/http/response.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

namespace weir_fetch {
namespace {

using weir::http::fetch_result;
using weir::http::response;

/// Writes the members of a JSON object, one after another.
class members {
public:
    explicit members(std::string& out) : out_(out) { out_ += '{'; }

    void add_json(std::string_view name, std::string_view value)
    {
        const std::size_t at = out_.size();
        out_.resize(at + (first_ ? 0 : 1) + name.size() + 3 + value.size());
        char* to = out_.data() + at;
        if (!std::exchange(first_, false))
            *to++ = ',';
        *to++ = '"';
        to = std::copy(name.begin(), name.end(), to);
        *to++ = '"';
        *to++ = ':';
        std::copy(value.begin(), value.end(), to);
    }
    void add(std::string_view name, std::uint64_t value)
    {
        const fmt::format_int digits(value);
        add_json(name, {digits.data(), digits.size()});
    }
    /// An empty text is `null`.
    void add(std::string_view name, std::string_view value)
    {
        add_json(name, value.empty() ? "null" : "");
        if (!value.empty())
            append_json(out_, value);
    }
    /// Seconds, always with the same number of decimals: microseconds are enough.
    void add(std::string_view name, weir::duration length)
    {
        const auto count = std::chrono::duration_cast<std::chrono::microseconds>(length).count();
        const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
        const fmt::format_int seconds(us / 1'000'000);
        add_json(name, {seconds.data(), seconds.size()});
        char decimals[] = ".000000";
        std::uint64_t rest = us % 1'000'000;
        for (char* to = decimals + 6; rest != 0; rest /= 10)
            *to-- = static_cast<char>('0' + rest % 10);
        out_.append(decimals, 7);
    }
    void end() { out_ += '}'; }

private:
    std::string& out_;
    bool first_ = true;
};

std::string_view version_of(const response& answer)
{
    switch (answer.version) {
    case 11:
        return "1.1";
    case 10:
        return "1.0";
    default:
        return {};
    }
}

std::string text_of(const boost::asio::ip::tcp::endpoint& to)
{
    if (to.address().is_v6())
        return fmt::format("[{}]:{}", to.address().to_string(), to.port());
    const auto b = to.address().to_v4().to_bytes();
    return fmt::format("{}.{}.{}.{}:{}", b[0], b[1], b[2], b[3], to.port());
}

/// Where the last attempt with an address went.
std::string address_of(const response& answer)
{
    for (auto each = answer.attempts.rbegin(); each != answer.attempts.rend(); ++each)
        if (each->address.port() != 0)
            return text_of(each->address);
    return {};
}

void add_error(members& all, std::string& out, const response& answer)
{
    all.add_json("error", answer.error ? "" : "null");
    if (!answer.error)
        return;
    members error(out);
    error.add("class", name(answer.error->kind()));
    const bool tried = !answer.attempts.empty();
    error.add("phase", tried ? name(answer.attempts.back().reached) : std::string_view());
    error.add("text", answer.error->text());
    error.end();
}

void add_timings(members& all, std::string& out, const fetch_result& result)
{
    const auto& t = result.answer.timings;
    all.add_json("timings", "");
    members times(out);
    times.add("queued", result.queue_wait);
    times.add("dns", t.dns);
    times.add("connect", t.connect);
    times.add("tls", t.tls);
    times.add("first_byte", t.first_byte);
    times.add("total", t.total);
    times.end();
}

void add_number(members& all, const place& at)
{
    const bool from_line = at.from == place::source::line;
    const fmt::format_int digits(at.number);
    const std::string_view number =
        at.number == 0 ? "null" : std::string_view(digits.data(), digits.size());
    all.add_json("line", from_line ? number : "null");
    all.add_json("argument", from_line ? "null" : number);
}

void add_first(members& all, std::string& out, const entry& what)
{
    all.add_json("duplicate_of", what.first ? "" : "null");
    if (!what.first)
        return;
    members first(out);
    add_number(first, *what.first);
    first.end();
}

void add_place(members& all, const entry& what)
{
    all.add_json("id", what.id.empty() ? "null" : what.id);
    add_number(all, what.at);
    all.add("hash", fmt::format("{:016x}", hash_of(what.text)));
}

} // namespace

std::string json_line(const fetch_result& result, const entry& what, const stored& where)
{
    const auto& answer = result.answer;
    std::string out;
    out.reserve(640);
    members all(out);
    add_place(all, what);
    all.add("url", what.url);
    all.add("final_url", result.final_url);
    if (answer.status == 0)
        all.add_json("status", "null");
    else
        all.add("status", std::uint64_t{answer.status});
    all.add("http_version", version_of(answer));
    all.add("content_type", answer.fields["Content-Type"]);
    all.add("content_encoding", answer.fields["Content-Encoding"]);
    add_error(all, out, answer);
    all.add("address", address_of(answer));
    all.add("attempts", std::uint64_t{result.attempts});
    all.add("bytes", answer.bytes);
    all.add("wire_bytes", answer.wire_bytes);
    all.add("sha256", where.sha256);
    all.add("file", where.file);
    all.add_json("skipped", where.skipped ? "true" : "false");
    add_first(all, out, what);
    add_timings(all, out, result);
    all.add("redirects", std::uint64_t{result.redirects});
    all.end();
    out += '\n';
    return out;
}

} // namespace weir_fetch
