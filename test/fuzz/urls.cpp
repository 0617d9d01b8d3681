// Feeds libFuzzer's bytes to the reader of URLs and to redirects: what it reads is the same when it
// is written and read again, and nothing in it breaks out of its line.
//
// The first line is a URL, the second a Location that a response to it has.

#include <weir/http/redirect.hpp>
#include <weir/http/url.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

using weir::http::headers;
using weir::http::redirected;
using weir::http::request;
using weir::http::url;

namespace {

void must(bool holds, std::string_view what, const url& of)
{
    if (holds)
        return;
    std::cerr << what << ": <" << of.text() << "> is <" << of.href() << ">\n";
    std::abort();
}

void check(const url& of)
{
    const auto again = url::parse(of.href());
    must(again && again->href() == of.href(), "another URL when written again", of);
    must(again->origin() == of.origin() && again->target() == of.target(), "another place", of);
    must(of.scheme() == "http" || of.scheme() == "https", "another scheme", of);
    must(!of.host().empty() && !of.target().empty(), "no host or no path", of);
    for (const auto& line : {of.target(), of.host_header(), of.authorization()})
        must(std::all_of(line.begin(), line.end(), [](char c) { return (c >= ' ' && c < '\x7f'); }),
             "a line would be broken", of);
    must(of.target().find(' ') == std::string_view::npos, "a blank in the request line", of);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto end = std::min(text.find('\n'), text.size());
    const auto base = url::parse(text.substr(0, end));
    if (!base)
        return 0;
    check(*base);
    headers answer;
    answer.append("Location", text.substr(std::min(end + 1, text.size())));
    request asked(*base, "POST");
    asked.header("Authorization", "secret");
    const auto next = redirected(asked, 302, answer);
    if (!next || !*next)
        return 0;
    const request& to = **next;
    check(to.target());
    must(to.method() == "GET", "not what browsers send", to.target());
    must((to.fields().count("Authorization") != 0) == (to.target().origin() == base->origin()),
         "a secret in the wrong place", to.target());
    return 0;
}
