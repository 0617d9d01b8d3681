#include "line_request.hpp"

#include "file_name.hpp"

#include <weir/http/headers.hpp>
#include <weir/http/request_settings.hpp>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <stdexcept>
#include <string_view>

namespace weir_fetch {
namespace {

namespace http = weir::http;
namespace json = boost::json;

std::string text_of(const json::value& value)
{
    const auto& text = value.as_string();
    return std::string(text.data(), text.size());
}

/// Reads a text, if it is there. False when it is something else.
bool read_text(const json::object& members, std::string_view name, std::optional<std::string>& into)
{
    const auto* const value = members.if_contains(json::string_view(name.data(), name.size()));
    if (value == nullptr)
        return true;
    if (!value->is_string())
        return false;
    into = text_of(*value);
    return true;
}

/// A header that is not to be sent.
std::string fault_of_removal(const std::string& name)
{
    http::request_settings().header(name, ""); // or it throws
    for (const char* needed : {"Host", "Content-Length"})
        if (http::same_token(name, needed))
            return "every request needs " + name + "; give it a value, or leave it out";
    return {};
}

/// Adds the values of a header: a text, or texts. False when it is something else.
bool add_values(const std::string& name, const json::value& value, line_request& into)
{
    if (value.is_string()) {
        into.headers.emplace_back(name, text_of(value));
        return true;
    }
    if (!value.is_array() || value.as_array().empty())
        return false;
    for (const json::value& each : value.as_array()) {
        if (!each.is_string())
            return false;
        into.headers.emplace_back(name, text_of(each));
    }
    return true;
}

std::string read_headers(const json::value& all, line_request& into)
{
    if (!all.is_object())
        return R"("headers" is an object of names and values: {"Accept": "text/html"})";
    for (const auto& member : all.as_object()) {
        const std::string name(member.key());
        try {
            std::string fault;
            if (member.value().is_null() && !http::same_token(name, "Expect"))
                fault = fault_of_removal(name);
            else if (!member.value().is_null() && !add_values(name, member.value(), into))
                fault = "the value of " + name +
                        " is a text, a list of texts, or null for no such header";
            if (!fault.empty())
                return "\"headers\": " + fault;
        } catch (const std::invalid_argument& e) {
            return "\"headers\": " + std::string(e.what());
        }
        into.names.push_back(name);
    }
    return {};
}

/// What cannot be sent, and is known when the line is read.
std::string fault_of(const line_request& what)
{
    http::request_settings settings;
    try {
        if (!what.method.empty())
            settings.method(what.method);
    } catch (const std::invalid_argument& e) {
        return "\"method\": " + std::string(e.what());
    }
    try {
        for (const auto& [name, value] : what.headers)
            settings.header(name, value);
    } catch (const std::invalid_argument& e) {
        return "\"headers\": " + std::string(e.what());
    }
    return {};
}

} // namespace

std::string read_line_request(const json::object& members, line_request& into)
{
    std::optional<std::string> method;
    std::optional<std::string> output;
    if (!read_text(members, "method", method) || (method && method->empty()))
        return R"("method" is a text, such as "PUT")";
    if (!read_text(members, "body", into.body))
        return R"("body" is a text, sent as it is; JSON goes in as a text, too (jq: tojson))";
    if (!read_text(members, "output", output))
        return R"("output" is a text, the name of a file)";
    if (output)
        if (const std::string fault = fault_of_path(*output); !fault.empty())
            return "\"output\": " + fault;
    into.method = method.value_or("");
    into.output = output.value_or("");
    if (const auto* const headers = members.if_contains("headers"))
        if (std::string fault = read_headers(*headers, into); !fault.empty())
            return fault;
    return fault_of(into);
}

} // namespace weir_fetch
