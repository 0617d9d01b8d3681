#include "requests.hpp"

#include "default_scheme.hpp"

#include <weir/http/headers.hpp>
#include <weir/http/request_body.hpp>
#include <weir/http/request_options.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir_fetch {
namespace {

namespace http = weir::http;

bool names(const std::vector<std::string>& names, std::string_view wanted)
{
    return std::any_of(names.begin(), names.end(),
                       [&](const auto& name) { return http::same_token(name, wanted); });
}

bool has(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view wanted)
{
    return std::any_of(headers.begin(), headers.end(),
                       [&](const auto& field) { return http::same_token(field.first, wanted); });
}

std::string lower(std::string text)
{
    for (char& c : text)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return text;
}

/// What `difference` compares. No line of it holds a line break but the body, which is the last.
std::string text_of(const http::request_settings& what)
{
    std::multimap<std::string, std::string> fields; // those of one name in their order
    for (const auto& [name, value] : what.headers())
        fields.emplace(lower(name), value);
    for (const std::string& name : what.without())
        fields.emplace(lower(name) + " not sent", ""); // no header has this name
    if (what.options().expect_above())
        fields.emplace("expect not sent", "");
    std::string out = what.method() + "\n";
    for (const auto& [name, value] : fields)
        out.append(name).append(":").append(value).append("\n");
    if (const std::string* const body = what.body().in_memory())
        out.append("\n").append(*body);
    return out;
}

} // namespace

requests::requests(const options& chosen) : chosen_(chosen)
{
    if (chosen.data)
        data_ = http::request_body::text(*chosen.data);
    all_ = settings_for({});
}

std::string requests::method_for(const line_request& own) const
{
    if (!own.method.empty())
        return own.method;
    return own.body && !chosen_.method_given ? "POST" : chosen_.method;
}

http::request_settings requests::settings_for(const line_request& own) const
{
    http::request_settings made;
    made.method(method_for(own));
    made.body(own.body ? http::request_body::text(*own.body) : data_);
    for (const auto& [name, value] : chosen_.headers)
        if (!names(own.names, name))
            made.header(name, value);
    for (const auto& [name, value] : own.headers)
        made.header(name, value);
    const auto is_removed = [&](const char* name) {
        return !has(own.headers, name) && (names(own.names, name) || names(chosen_.without, name));
    };
    const char* const type = "Content-Type";
    if (chosen_.data && !own.body && !has(made.headers(), type) && !is_removed(type))
        made.header(type, "application/x-www-form-urlencoded");
    for (const char* name : {"User-Agent", "Accept"})
        if (is_removed(name))
            made.without(name);
    if (names(own.names, "Expect"))
        made.options(http::request_options().expect_above(http::request_options::never_expect));
    return made;
}

std::string requests::url_of(const entry& what) const
{
    const std::string& scheme = chosen_.default_scheme;
    return scheme == "http" ? what.url : with_scheme(what.url, scheme);
}

std::string requests::fault_of(const entry& what) const
{
    const line_request& own = what.own;
    if (own.body && own.method.empty() && chosen_.method == "HEAD" && !chosen_.method_given)
        return R"("body" and --head exclude each other; give the line a "method")";
    if (chosen_.compressed && names(own.names, "Accept-Encoding") &&
        !has(own.headers, "Accept-Encoding"))
        return R"("headers": Accept-Encoding is what --compressed sends; leave one of them out)";
    const bool is_get = own.method.empty() || own.method == "GET";
    if (chosen_.continues &&
        (!is_get || own.body || !own.output.empty() || names(own.names, "Range")))
        return "--continue-at goes on with its file by a GET; leave out \"method\", \"body\", "
               "\"output\" and the header Range";
    return {};
}

http::request requests::request_for(const http::url& target, const line_request& own) const
{
    return own.is_own() ? settings_for(own).for_url(target) : all_.for_url(target);
}

std::string requests::difference(const entry& what) const
{
    if (!what.own.is_own())
        return {};
    const std::string own = text_of(settings_for(what.own));
    return own == text_of(all_) ? std::string() : own;
}

} // namespace weir_fetch
