#include "trace.hpp"

#include "escape.hpp"

#include <weir/http/headers.hpp>

#include <algorithm>

namespace weir_fetch {
namespace {

using weir::http::same_token;

/// A line of a request, without what is secret.
std::string shown(std::string_view line)
{
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    for (const std::string_view secret : {"Authorization", "Proxy-Authorization", "Cookie"})
        if (colon != line.npos && same_token(name, secret))
            return escaped(name) + ": (not shown)";
    return escaped(line);
}

/// The next line, without its end, which is removed too.
std::string_view take_line(std::string_view& text)
{
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

} // namespace

trace::trace(std::string_view about)
{
    if (!about.empty())
        about_ = "[" + escaped(about) + "] ";
}

std::string trace::note(std::string_view text) const
{
    return "* " + about_ + escaped(text) + "\n";
}

std::string trace::sent(std::string_view head) const
{
    std::string out;
    while (!head.empty())
        out += "> " + about_ + shown(take_line(head)) + "\n";
    return out;
}

std::string trace::received(std::string_view head) const
{
    std::string out;
    while (!head.empty())
        out += "< " + about_ + escaped(take_line(head)) + "\n";
    return out;
}

std::string escaped_lines(std::string_view text)
{
    std::string out;
    while (!text.empty())
        out += escaped(take_line(text)) + "\n";
    return out;
}

std::string without_user(std::string_view url)
{
    std::string out(url);
    const auto end = out.find_first_of(":/\\?#"); // of a scheme, if there is one
    const auto slashes = out.find_first_of("/\\");
    const bool has_scheme = end != out.npos && out[end] == ':' && slashes == end + 1;
    const auto host = out.find_first_not_of("/\\", has_scheme ? slashes : 0);
    if (host == out.npos)
        return out;
    const auto at = out.substr(0, out.find_first_of("/\\?#", host)).rfind('@');
    if (at != out.npos && at >= host)
        out.erase(host, at + 1 - host);
    return out;
}

} // namespace weir_fetch
