#include "entry.hpp"

#include "lines.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <charconv>
#include <utility>

namespace weir_fetch {
namespace {

namespace json = boost::json;

// Before the number: nothing for a line of the input.
constexpr char argument_mark = 'a';
constexpr char cut_mark = 'c';
constexpr char end_of_tag = '\t';

std::string fault_of_json(const json::object& all)
{
    for (const auto& member : all) {
        const std::string key(member.key());
        if (key == "method" || key == "headers" || key == "body" || key == "output")
            return "\"" + key + "\" is not supported yet; a JSON line has \"url\" and \"id\"";
        if (key != "url" && key != "id")
            return "\"" + key + "\" is not known; a JSON line has \"url\" and \"id\"";
    }
    const auto* const url = all.if_contains("url");
    if (url == nullptr || !url->is_string())
        return R"(a JSON line needs a text "url": {"url": "http://example.com/"})";
    const auto* const id = all.if_contains("id");
    if (id != nullptr && !id->is_string() && !id->is_int64() && !id->is_uint64())
        return "\"id\" is a text or a whole number";
    return {};
}

void read_json(entry& e)
{
    json::error_code error;
    const json::value all = json::parse(e.text, error);
    if (error || !all.is_object()) {
        e.fault = "it begins as a JSON object, but is none: " + error.message();
        return;
    }
    const json::object& members = all.as_object();
    e.fault = fault_of_json(members);
    if (!e.fault.empty())
        return;
    const auto& url = members.at("url").as_string();
    e.url.assign(url.data(), url.size());
    if (const auto* const id = members.if_contains("id"))
        e.id = json::serialize(*id);
}

/// Whether somebody who writes this means a URL.
bool is_meant_as_url(std::string_view url)
{
    if (url.find("://") != std::string_view::npos)
        return true;
    const auto host = url.substr(0, url.find_first_of("/?#"));
    return host == "localhost" || host.find_first_of(".:") != std::string_view::npos;
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
    if (at.from == place::source::argument)
        out += argument_mark;
    if (is_cut)
        out += cut_mark;
    out += std::to_string(at.number);
    out += end_of_tag;
    out += text;
    return out;
}

entry read_entry(std::string_view tagged)
{
    entry e;
    if (tagged.starts_with(argument_mark)) {
        e.at.from = place::source::argument;
        tagged.remove_prefix(1);
    }
    if (tagged.starts_with(cut_mark)) {
        e.is_cut = true;
        tagged.remove_prefix(1);
    }
    const auto end = tagged.find(end_of_tag);
    std::from_chars(tagged.data(), tagged.data() + end, e.at.number);
    e.text = tagged.substr(end + 1);
    e.url = e.text;
    if (e.is_cut)
        e.fault = "it is longer than " + std::to_string(line_cutter::longest) + " bytes";
    else if (e.text.starts_with('{'))
        read_json(e);
    if (e.fault.empty() && !is_meant_as_url(e.url))
        e.fault = "not a URL: it has no scheme, and its host has no dot and no port; write "
                  "http://HOST/ if it is one";
    return e;
}

weir::http::result<std::string> url_in(std::string_view tagged)
{
    entry e = read_entry(tagged);
    if (!e.fault.empty())
        return weir::http::failure(weir::http::error_class::bad_url, std::move(e.fault));
    return std::move(e.url);
}

std::uint64_t hash_of(std::string_view text) noexcept
{
    std::uint64_t sum = 0xcbf29ce484222325U;
    for (const char each : text)
        sum = (sum ^ static_cast<unsigned char>(each)) * 0x100000001b3U;
    return sum;
}

} // namespace weir_fetch
