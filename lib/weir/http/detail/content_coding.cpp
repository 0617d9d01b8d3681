#include <weir/http/detail/content_coding.hpp>

#include <weir/http/detail/message_lines.hpp>

#include <optional>

namespace weir::http::detail {
namespace {

std::optional<content_coding> known(std::string_view text)
{
    if (same_token(text, "gzip") || same_token(text, "x-gzip"))
        return content_coding::gzip;
    if (same_token(text, "deflate"))
        return content_coding::deflate;
    if (same_token(text, "br"))
        return content_coding::br;
    if (same_token(text, "zstd"))
        return content_coding::zstd;
    return std::nullopt;
}

void add(coding_list& list, std::string_view element)
{
    if (element.empty() || same_token(element, "identity"))
        return;
    if (!list.text.empty())
        list.text += ", ";
    list.text += element;
    if (const auto coding = known(element))
        list.codings.push_back(*coding);
    else
        list.unknown = true;
}

} // namespace

std::string_view name(content_coding which) noexcept
{
    switch (which) {
    case content_coding::gzip:
        return "gzip";
    case content_coding::deflate:
        return "deflate";
    case content_coding::br:
        return "br";
    case content_coding::zstd:
        return "zstd";
    }
    return "unknown";
}

std::string_view codings_to_ask_for(const headers& fields, const decoding_options& how) noexcept
{
    if (how.accept() == content_codings::none || fields.count("Accept-Encoding") != 0)
        return {};
    return fields.count("Range") != 0 ? std::string_view("identity") : accepted_codings;
}

coding_list codings_of(const headers& fields)
{
    coding_list list;
    for (const header_field field : fields) {
        if (!same_token(field.name, "Content-Encoding"))
            continue;
        for (std::string_view left = field.value;;) {
            const auto comma = left.find(',');
            add(list, trimmed(left.substr(0, comma)));
            if (comma == std::string_view::npos)
                break;
            left.remove_prefix(comma + 1);
        }
    }
    return list;
}

} // namespace weir::http::detail
