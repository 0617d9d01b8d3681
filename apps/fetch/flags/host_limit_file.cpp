#include "host_limit_file.hpp"

#include "../escape.hpp"
#include "request_texts.hpp"
#include "values.hpp"

#include <weir/http/fetcher_options.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse_options.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <unordered_set>
#include <utility>

namespace weir_fetch {
namespace {

namespace json = boost::json;

constexpr const char* example =
    R"({"hosts": {"example.com": {"per-host": 4, "host-rate": "10/s"}}})";

json::value json_in(const std::string& text)
{
    json::parse_options how;
    how.allow_comments = true;
    how.allow_trailing_commas = true;
    json::parser reader({}, how);
    json::error_code error;
    const std::size_t read = reader.write_some(text.data(), text.size(), error);
    if (!error && read < text.size())
        error = json::error::extra_data;
    if (error) {
        const auto end = text.begin() + static_cast<std::ptrdiff_t>(read);
        throw std::runtime_error("line " + std::to_string(1 + std::count(text.begin(), end, '\n')) +
                                 " is no JSON: " + error.message());
    }
    return reader.release();
}

std::size_t per_host_of(const json::value& value)
{
    constexpr std::uint64_t most = 1'000'000;
    const std::uint64_t given =
        value.is_int64() && value.as_int64() > 0 ? static_cast<std::uint64_t>(value.as_int64()) : 0;
    if (given == 0 || given > most)
        throw std::runtime_error("per-host: must be a whole number from 1 to 1000000");
    return static_cast<std::size_t>(given);
}

weir::rate host_rate_of(const json::value& value)
{
    const auto rate = value.is_string()
                          ? rate_of(std::string(value.as_string().data(), value.as_string().size()))
                          : std::nullopt;
    if (!rate)
        throw std::runtime_error(R"(host-rate: must be a text such as "20/s", "90/m" or "90/h")");
    return *rate;
}

/// Takes the name of a host, which all ways to write it have in common.
void take_name(const std::string& host, std::unordered_set<std::string>& names)
{
    std::string key = weir::http::fetcher_options::limit_key(host);
    if (key.empty())
        throw std::runtime_error("is no host; write HOST, HOST:PORT or https://HOST:PORT");
    if (!names.insert(std::move(key)).second)
        throw std::runtime_error("is there twice; write one of them");
}

host_limit limit_of(const std::string& host, const json::value& given)
{
    host_limit out;
    out.host = host;
    if (!given.is_object() || given.as_object().empty())
        throw std::runtime_error(R"(must have "per-host", "host-rate" or both)");
    for (const auto& member : given.as_object()) {
        const std::string key(member.key());
        if (key == "per-host")
            out.per_host = per_host_of(member.value());
        else if (key == "host-rate")
            out.rate = host_rate_of(member.value());
        else
            throw std::runtime_error("\"" + escaped(key) +
                                     "\" is not known; there are \"per-host\" and \"host-rate\"");
    }
    return out;
}

std::vector<host_limit> limits_in(const json::value& all)
{
    std::vector<host_limit> out;
    const auto* const top = all.if_object();
    const auto* const hosts = top == nullptr ? nullptr : top->if_contains("hosts");
    if (hosts == nullptr || !hosts->is_object())
        throw std::runtime_error("there is no object \"hosts\"; write " + std::string(example));
    for (const auto& member : *top)
        if (member.key() != "hosts")
            throw std::runtime_error("\"" + escaped(std::string(member.key())) +
                                     "\" is not known; there is \"hosts\"");
    std::unordered_set<std::string> names;
    for (const auto& member : hosts->as_object()) {
        const std::string host(member.key());
        try {
            take_name(host, names);
            out.push_back(limit_of(host, member.value()));
        } catch (const std::exception& e) {
            throw std::runtime_error("hosts: " + escaped(host) + ": " + e.what());
        }
    }
    return out;
}

} // namespace

std::vector<host_limit> host_limits_in(const std::string& file)
{
    const std::string text = text_of(file);
    try {
        return limits_in(json_in(text));
    } catch (const std::runtime_error& e) {
        throw std::runtime_error(escaped(file) + ": " + e.what());
    }
}

} // namespace weir_fetch
