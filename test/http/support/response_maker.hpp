#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace weir::test {

/// Makes responses: valid ones, and such with a few bytes changed. The same seed makes the same
/// with every compiler: nothing random is called twice in one expression.
class response_maker {
public:
    explicit response_maker(std::uint64_t seed) : random_(seed) {}

    /// A valid response, with its interim responses.
    std::string valid()
    {
        std::string text;
        while (one_in(6)) {
            text += first_line(one_in(2) ? 100 : 103);
            text += fields();
            text += "\r\n";
        }
        static constexpr unsigned statuses[] = {200, 201, 204, 301, 304, 404, 503, 999};
        const unsigned status = statuses[below(8)];
        const auto body = bytes(below(200));
        text += first_line(status);
        text += fields();
        if (one_in(4))
            text += one_in(2) ? "Connection: close\r\n" : "connection: keep-alive, x\r\n";
        if (status == 204 || status == 304)
            return text + "\r\n";
        if (one_in(3))
            return text + "\r\n" + body; // until the connection ends
        if (one_in(2))
            return text + "Content-Length: " + std::to_string(body.size()) + "\r\n" + fields() +
                   "\r\n" + body;
        text += "Transfer-Encoding: chunked\r\n";
        text += fields();
        text += "\r\n";
        return text + chunks(body);
    }

    /// The text with one to three changes.
    std::string changed(std::string text)
    {
        for (std::size_t n = 1 + below(3); n > 0 && !text.empty(); --n) {
            const auto at = below(text.size());
            const char byte = odd();
            const auto size = below(30);
            const bool behind = one_in(2);
            switch (below(5)) {
            case 0:
                text[at] = byte;
                break;
            case 1:
                text.insert(at, 1, byte);
                break;
            case 2:
                text.erase(at, 1 + size % 2);
                break;
            case 3: // at a line end, where structure is
                if (const auto line = text.find('\n', at); line != std::string::npos)
                    text.insert(line + (behind ? 1 : 0), 1, byte);
                break;
            default:
                text.insert(below(text.size()), text.substr(at, size));
            }
        }
        return text;
    }

    std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }

private:
    bool one_in(std::size_t n) { return below(n) == 0; }
    char odd()
    {
        static constexpr std::string_view all("\r\n\0 \t:;,0123456789afg-\x01\x7f\x80HX\"", 28);
        return all[below(all.size())];
    }

    std::string pick(std::string_view from, std::size_t size)
    {
        std::string text;
        for (std::size_t i = 0; i < size; ++i)
            text += from[below(from.size())];
        return text;
    }
    std::string token() { return "X" + pick("abcXYZ019!#$%&'*+-.^_`|~", below(10)); }
    std::string value()
    {
        const auto text = pick("abc XYZ\t:;,\"=()\x80\xff", below(40));
        return one_in(4) ? " \t" + text + " \t" : " " + text;
    }
    std::string fields()
    {
        std::string text;
        for (std::size_t n = below(4); n > 0; --n) {
            text += token();
            text += ":";
            text += value();
            text += "\r\n";
        }
        return text;
    }
    std::string bytes(std::size_t size)
    {
        std::string text;
        for (std::size_t i = 0; i < size; ++i)
            text += static_cast<char>(below(256));
        return text;
    }
    std::string first_line(std::size_t status)
    {
        const std::string line = one_in(5) ? "HTTP/1.0 " : "HTTP/1.1 ";
        return line + std::to_string(status) + " " + pick("OK Found", below(8)) + "\r\n";
    }

    std::string chunks(const std::string& body)
    {
        std::string text;
        for (std::size_t at = 0; at < body.size();) {
            const auto size = std::min(body.size() - at, 1 + below(60));
            text += std::string(below(3), '0');
            text += hex(size);
            text += extension();
            text += "\r\n" + body.substr(at, size) + "\r\n";
            at += size;
        }
        text += "0";
        text += extension();
        text += "\r\n";
        text += fields();
        return text + "\r\n";
    }
    std::string extension()
    {
        std::string text;
        for (std::size_t n = one_in(3) ? 1 + below(2) : 0; n > 0; --n) {
            text += ";";
            text += token();
            text += one_in(2) ? "=" + token() : "=\"a;\\\"b\"";
        }
        return text;
    }
    std::string hex(std::size_t number)
    {
        const std::string_view digits = one_in(2) ? "0123456789abcdef" : "0123456789ABCDEF";
        std::string text;
        for (; number > 0; number /= 16)
            text.insert(text.begin(), digits[number % 16]);
        return text;
    }

    std::mt19937_64 random_;
};

} // namespace weir::test
