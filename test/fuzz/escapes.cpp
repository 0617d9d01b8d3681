// Feeds libFuzzer's bytes to what is printed of servers and lists: no terminal obeys it, no line is
// broken, and nothing of it is lost.

#include <escape.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace json = boost::json;
using namespace weir_fetch;

namespace {

void must(bool holds, std::string_view what)
{
    if (holds)
        return;
    std::cerr << what << "\n";
    std::abort();
}

/// The UTF-8 of what moves a cursor, hides text or turns its direction, byte by byte.
bool is_harmful(std::string_view at)
{
    const auto byte = [&](std::size_t i) {
        return i < at.size() ? static_cast<unsigned char>(at[i]) : 0U;
    };
    if (byte(0) < 0x20 || byte(0) == 0x7f)
        return true;
    if (byte(0) == 0xc2)
        return byte(1) >= 0x80 && byte(1) < 0xa0;
    if (byte(0) == 0xef)
        return byte(1) == 0xbb && byte(2) == 0xbf;
    if (byte(0) != 0xe2)
        return false;
    return (byte(1) == 0x80 &&
            ((byte(2) >= 0x8b && byte(2) <= 0x8f) || (byte(2) >= 0xa8 && byte(2) <= 0xae))) ||
           (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

void check(std::string_view printed)
{
    for (std::size_t i = 0; i < printed.size(); ++i)
        must(!is_harmful(printed.substr(i)), "a terminal would obey");
    // A parser of JSON that looks at UTF-8 strictly tells whether it is some.
    std::string quoted = "\"";
    for (const char c : printed)
        (c == '"' || c == '\\' ? quoted += '\\' : quoted) += c;
    json::error_code error;
    (void)json::parse(quoted += '"', error);
    must(!error, "not UTF-8");
}

std::string unescaped(std::string_view text)
{
    std::string out;
    while (!text.empty()) {
        const bool is_escape = text.front() == '\\';
        out += is_escape ? static_cast<char>(std::stoi(std::string(text.substr(2, 2)), nullptr, 16))
                         : text.front();
        text.remove_prefix(is_escape ? 4 : 1);
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string printed = escaped(text);
    check(printed);
    must(unescaped(printed) == text, "something is lost");
    std::string quoted;
    append_json(quoted, text);
    check(quoted);
    json::error_code error;
    const json::value back = json::parse(quoted, error);
    must(!error && back.is_string(), "no JSON string");
    const bool is_utf8 =
        printed.find("\\x8") == std::string::npos && printed.find("\\x9") == std::string::npos &&
        printed.find("\\xA") == std::string::npos && printed.find("\\xB") == std::string::npos &&
        printed.find("\\xC") == std::string::npos && printed.find("\\xD") == std::string::npos &&
        printed.find("\\xE") == std::string::npos && printed.find("\\xF") == std::string::npos;
    if (is_utf8)
        must(std::string_view(back.get_string().data(), back.get_string().size()) == text,
             "another text in JSON");
    return 0;
}
