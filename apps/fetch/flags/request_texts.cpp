#include "request_texts.hpp"

#include <weir/http/date.hpp>
#include <weir/http/headers.hpp>

#include <openssl/evp.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <fstream>
#include <ios>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace weir_fetch {
namespace {

bool standard_input_was_read = false; // of the process, as standard input is

std::string_view trimmed(std::string_view text)
{
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// As curl does: what is not unreserved is encoded, and a blank becomes a plus.
std::string percent_encoded(std::string_view text)
{
    static constexpr std::string_view plain = "-._~";
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                              (c >= 'A' && c <= 'Z') || plain.find(c) != std::string_view::npos;
        if (is_plain)
            out += c;
        else if (c == ' ')
            out += '+';
        else
            out.append(1, '%').append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
    }
    return out;
}

std::string urlencoded(const std::string& text)
{
    const auto equals = text.find('=');
    if (equals != std::string::npos) {
        const std::string name = text.substr(0, equals);
        return (name.empty() ? name : name + "=") + percent_encoded(text.substr(equals + 1));
    }
    const auto at = text.find('@');
    if (at == std::string::npos)
        return percent_encoded(text);
    const std::string name = text.substr(0, at);
    return (name.empty() ? name : name + "=") + percent_encoded(text_of(text.substr(at + 1)));
}

} // namespace

std::optional<asked_field> read_field(std::string_view text)
{
    const auto colon = text.find(':');
    const auto name = text.substr(0, std::min(colon, text.find(';')));
    if (!weir::http::is_field_name(name))
        return std::nullopt;
    const auto rest = trimmed(text.substr(name.size()));
    asked_field out;
    out.name = name;
    if (rest == ";")
        return out;
    if (!rest.starts_with(':'))
        return std::nullopt;
    out.value = trimmed(rest.substr(1));
    out.is_removed = out.value.empty();
    if (!weir::http::is_field_value(out.value))
        return std::nullopt;
    return out;
}

bool was_standard_input_read() noexcept
{
    return standard_input_was_read;
}

std::string text_of(const std::string& file)
{
    if (file == "-" && std::exchange(standard_input_was_read, true))
        throw std::runtime_error("standard input was read already, for another flag");
    if (file == "-")
        return std::string(std::istreambuf_iterator<char>(std::cin), {});
    std::ifstream in(file, std::ios::binary);
    std::string text;
    try {
        if (in) {
            text.assign(std::istreambuf_iterator<char>(in), {});
            if (in.good() || in.eof())
                return text;
        }
    } catch (const std::ios_base::failure& e) { // a folder
        throw std::runtime_error("cannot read " + file + ": " + e.code().message());
    }
    throw std::runtime_error("cannot read " + file + ": " + std::strerror(errno));
}

std::vector<std::string> lines_of(const std::string& file)
{
    std::vector<std::string> lines;
    std::string text = text_of(file);
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        std::string line = text.substr(at, end - at);
        if (line.ends_with('\r'))
            line.pop_back();
        if (!line.empty())
            lines.push_back(std::move(line));
        at = end + 1;
    }
    return lines;
}

std::string basic_authorization(std::string_view user_and_password)
{
    std::vector<unsigned char> out(4 * ((user_and_password.size() + 2) / 3) + 1);
    const auto* from = reinterpret_cast<const unsigned char*>(user_and_password.data());
    const int n = EVP_EncodeBlock(out.data(), from, static_cast<int>(user_and_password.size()));
    return "Basic " + std::string(out.begin(), out.begin() + n);
}

std::string data_piece(data_kind kind, const std::string& text)
{
    if (kind == data_kind::urlencoded)
        return urlencoded(text);
    if (kind == data_kind::raw || !text.starts_with('@'))
        return text;
    std::string content = text_of(text.substr(1));
    if (kind == data_kind::ascii)
        content.erase(std::remove_if(content.begin(), content.end(),
                                     [](char c) { return c == '\r' || c == '\n' || c == '\0'; }),
                      content.end());
    return content;
}

std::optional<std::chrono::sys_seconds> time_of(const std::string& text)
{
    using clock = std::chrono::system_clock;
    const auto now = std::chrono::time_point_cast<std::chrono::seconds>(clock::now());
    if (const auto date = weir::http::parse_date(text, now))
        return date;
    for (const char* form : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d", "%Y%m%d",
                             "%Y%m%d %H:%M:%S", "%d %b %Y %H:%M:%S", "%d %b %Y"}) {
        std::tm parts{};
        const char* const end = ::strptime(text.c_str(), form, &parts);
        if (end != nullptr && *end == '\0')
            return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
    }
    struct stat about {};
    if (::stat(text.c_str(), &about) == 0)
        return std::chrono::sys_seconds(std::chrono::seconds(about.st_mtime));
    return std::nullopt;
}

} // namespace weir_fetch
