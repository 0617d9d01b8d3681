#pragma once

#include <weir/http/detail/response_reader.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

/// What a reader made of some bytes, after which the connection ended.
struct reading {
    unsigned status = 0;
    std::string fields;   ///< `Name: value` and a line end, for each
    std::string trailers; ///< as `fields`
    std::string body;
    std::string coding;           ///< that is left
    std::uint64_t wire_bytes = 0; ///< of a body that is whole
    std::string error;            ///< its class
    std::string text;             ///< of the error
    bool reusable = false;

    bool operator==(const reading&) const = default;
};

/// For messages of tests: what is not printed stands as an escape.
inline std::string printed(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        if (c >= ' ' && c < '\x7f' && c != '\\') {
            out += c;
            continue;
        }
        constexpr std::string_view hex = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        out += std::string("\\x") + hex[byte / 16] + hex[byte % 16];
    }
    return out;
}

inline std::ostream& operator<<(std::ostream& out, const reading& r)
{
    return out << "status " << r.status << "\n"
               << r.fields << "body <" << printed(r.body) << "> trailers <" << r.trailers
               << "> error " << r.error << " (" << r.text << ") reusable " << r.reusable;
}

/// How a response is read.
struct reading_options {
    std::string method = "GET";
    std::optional<http::decoding_options> decoding; ///< nothing is decoded without
    http::detail::response_limits limits;
    error_code end; ///< with which the connection ends
};

inline std::string lines_of(const http::headers& fields)
{
    std::string lines;
    for (const http::header_field field : fields)
        lines += std::string(field.name) + ": " + std::string(field.value) + "\n";
    return lines;
}

/// Feeds the parts one after another, each from memory of its own, then ends the connection.
inline reading read_parts(const std::vector<std::string_view>& parts,
                          const reading_options& options = reading_options())
{
    using state = http::detail::response_reader::state;
    reading got;
    http::response answer;
    const http::body_sink sink = [&](std::string_view piece) {
        got.body += piece;
        return error_code();
    };
    http::detail::response_reader reader(options.method, options.limits, sink, answer);
    if (options.decoding)
        reader.undo_codings(*options.decoding);
    state at = state::more;
    for (const auto part : parts) {
        const std::vector<char> copy(part.begin(), part.end());
        std::string_view bytes(copy.data(), copy.size());
        at = reader.feed(bytes);
        if (at == state::head)
            at = reader.feed(bytes);
        if (at == state::failed)
            break;
    }
    got.reusable = at == state::done && reader.reusable();
    if (at == state::more)
        at = reader.end(options.end);
    got.status = answer.status;
    got.coding = answer.coding;
    if (!answer.error) // where a failure is seen depends on the parts
        got.wire_bytes = answer.wire_bytes;
    got.fields = lines_of(answer.fields);
    got.trailers = lines_of(answer.trailers);
    if (answer.error) {
        got.error = name(answer.error->kind());
        got.text = answer.error->text();
    }
    if ((at == state::failed) != answer.error.has_value() || answer.bytes != got.body.size())
        throw std::logic_error("the reader contradicts itself");
    return got;
}

inline std::vector<std::string_view> in_parts_of(std::size_t step, std::string_view text)
{
    std::vector<std::string_view> parts;
    for (; !text.empty(); text.remove_prefix(std::min(step, text.size())))
        parts.push_back(text.substr(0, step));
    return parts;
}

} // namespace weir::test
