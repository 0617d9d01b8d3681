#include "entry.hpp"

#include "escape.hpp"
#include "lines.hpp"

#include <weir/http/headers.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace weir_fetch {
namespace {

namespace json = boost::json;

// Before the number: nothing for a line of the input.
constexpr char argument_mark = 'a';
constexpr char cut_mark = 'c';
// After the number: where the first of duplicates stands, written as the rest of the tag.
constexpr char duplicate_mark = '=';
constexpr char end_of_tag = '\t';

constexpr std::string_view members = "url, id, method, headers, body and output";

std::string fault_of_json(const json::object& all)
{
    constexpr std::array<std::string_view, 6> known = {"url",     "id",   "method",
                                                       "headers", "body", "output"};
    for (const auto& member : all) {
        const std::string key(member.key());
        if (std::find(known.begin(), known.end(), key) == known.end())
            return "\"" + key + "\" is not known; a JSON line has " + std::string(members);
    }
    const auto* const url = all.if_contains("url");
    if (url == nullptr || !url->is_string())
        return R"(a JSON line needs a text "url": {"url": "http://example.com/"})";
    const auto* const id = all.if_contains("id");
    if (id != nullptr && !id->is_string() && !id->is_int64() && !id->is_uint64())
        return "\"id\" is a text or a whole number";
    return {};
}

/// A text or a number, without what a terminal obeys.
std::string json_of_id(const json::value& id)
{
    if (!id.is_string())
        return json::serialize(id);
    std::string out;
    append_json(out, std::string_view(id.as_string().data(), id.as_string().size()));
    return out;
}

void read_json(entry& e)
{
    json::error_code error;
    const json::value all = json::parse(e.text, error);
    if (error || !all.is_object()) {
        e.fault = "it begins as a JSON object, but is none: " + error.message();
        return;
    }
    const json::object& given = all.as_object();
    e.fault = fault_of_json(given);
    if (!e.fault.empty())
        return;
    const auto& url = given.at("url").as_string();
    e.url.assign(url.data(), url.size());
    if (const auto* const id = given.if_contains("id"))
        e.id = json_of_id(*id);
    e.fault = read_line_request(given, e.own);
}

std::string written(const place& at)
{
    const std::string number = std::to_string(at.number);
    return at.from == place::source::argument ? argument_mark + number : number;
}

/// Removes a place from the front.
place take_place(std::string_view& text)
{
    place at;
    if (text.starts_with(argument_mark)) {
        at.from = place::source::argument;
        text.remove_prefix(1);
    }
    const auto end = std::from_chars(text.data(), text.data() + text.size(), at.number).ptr;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return at;
}

/// What stands before "://" and is no scheme: the quote of a JSON text, the field of a CSV line.
std::string_view no_scheme_of(std::string_view text)
{
    const auto before = text.substr(0, text.find("://"));
    if (before.size() == text.size() || before.find_first_of("/\\?#") != before.npos)
        return {};
    const auto is_part = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '-' || c == '.';
    };
    return std::all_of(before.begin(), before.end(), is_part) ? std::string_view() : before;
}

/// Whether somebody who writes this means a URL.
bool is_meant_as_url(std::string_view url)
{
    if (url.find("://") != std::string_view::npos)
        return true;
    constexpr std::string_view slashes = "/\\";
    if (url.size() > 1 && slashes.find(url[0]) != slashes.npos &&
        slashes.find(url[1]) != slashes.npos)
        url.remove_prefix(2); // //HOST/, which lacks only a scheme
    const auto host = url.substr(0, url.find_first_of("/\\?#"));
    return host == "localhost" || host.find_first_of(".:") != std::string_view::npos;
}

bool is_ascii_blank(char c)
{
    return static_cast<unsigned char>(c) <= 0x20;
}

std::string_view without_blanks_around(std::string_view text)
{
    while (!text.empty() && is_ascii_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_ascii_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

/// How long the blank at the front is, also one of those that editors and web pages write.
std::size_t blank_before(std::string_view text)
{
    if (text.empty() || is_ascii_blank(text.front()))
        return text.empty() ? 0 : 1;
    if (static_cast<unsigned char>(text.front()) < 0xc2)
        return 0;
    for (const std::string_view each :
         {"\xC2\x85", "\xC2\xA0", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE3\x80\x80"})
        if (text.starts_with(each))
            return each.size();
    return 0;
}

/// Whether another URL begins here, behind these blanks. Behind a line break it needs no scheme.
bool is_another_url(std::string_view blanks, std::string_view text)
{
    const auto scheme = text.substr(0, text.find("://"));
    if (scheme.size() < text.size() &&
        (weir::http::same_token(scheme, "http") || weir::http::same_token(scheme, "https")))
        return true;
    constexpr std::string_view breaks = "\r\n";
    return blanks.find_first_of(breaks) != blanks.npos &&
           is_meant_as_url(text.substr(0, text.find_first_of(breaks)));
}

/// What is wrong when there are two URLs with blanks between them. One URL may hold blanks.
std::string fault_of_two_urls(std::string_view text)
{
    for (std::size_t at = 0; at != text.size();) {
        const std::size_t begin = at;
        while (const auto length = blank_before(text.substr(at)))
            at += length;
        if (at == begin) {
            ++at;
            continue;
        }
        const auto blanks = text.substr(begin, at - begin);
        if (begin == 0 || !is_another_url(blanks, text.substr(at)))
            continue;
        return blanks.find('\r') != blanks.npos
                   ? "there are two URLs with a CR between them; lines end in LF or CRLF"
                   : "there are two URLs; write each on a line of its own";
    }
    return {};
}

} // namespace

std::string place::text() const
{
    return (from == source::line ? "line " : "argument ") + std::to_string(number);
}

std::string tagged(const place& at, std::string_view text, bool is_cut)
{
    std::string out;
    out.reserve(text.size() + 22);
    if (is_cut)
        out += cut_mark;
    out += written(at);
    out += end_of_tag;
    out += text;
    return out;
}

std::string tagged_duplicate(std::string_view tagged, const place& first)
{
    std::string out(tagged);
    out.insert(out.find(end_of_tag), duplicate_mark + written(first));
    return out;
}

entry read_entry(std::string_view tagged)
{
    entry e;
    if (tagged.starts_with(cut_mark)) {
        e.is_cut = true;
        tagged.remove_prefix(1);
    }
    e.at = take_place(tagged);
    if (tagged.starts_with(duplicate_mark)) {
        tagged.remove_prefix(1);
        e.first = take_place(tagged);
    }
    e.text = tagged.substr(1);
    e.url = e.text;
    if (e.is_cut)
        e.fault = "it is longer than " + std::to_string(line_cutter::longest) + " bytes";
    else if (e.text.starts_with('{'))
        read_json(e);
    else {
        e.url = without_blanks_around(e.text);
        e.fault = fault_of_two_urls(e.url);
    }
    if (const auto wrong = no_scheme_of(e.url); e.fault.empty() && !wrong.empty())
        e.fault = "what stands before :// is no scheme (" + std::string(wrong) +
                  "); write the URL alone, without quotes or other columns";
    if (e.fault.empty() && !is_meant_as_url(e.url))
        e.fault = "not a URL: it has no scheme, and its host has no dot and no port; write "
                  "http://HOST/ if it is one";
    return e;
}

line_request own_request(std::string_view tagged)
{
    const bool is_json = tagged.substr(tagged.find(end_of_tag) + 1).starts_with('{');
    return is_json ? read_entry(tagged).own : line_request();
}

weir::http::result<std::string> url_of(const entry& what)
{
    if (!what.fault.empty())
        return weir::http::failure(weir::http::error_class::bad_url, what.fault);
    if (what.first)
        return weir::http::failure(weir::http::error_class::bad_url,
                                   "the same as " + what.first->text());
    return what.url;
}

std::uint64_t hash_of(std::string_view text) noexcept
{
    std::uint64_t sum = 0xcbf29ce484222325U;
    for (const char each : text)
        sum = (sum ^ static_cast<unsigned char>(each)) * 0x100000001b3U;
    return sum;
}

} // namespace weir_fetch
