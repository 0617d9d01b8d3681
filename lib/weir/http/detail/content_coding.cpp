#include <weir/http/detail/content_coding.hpp>

#include <weir/http/detail/list_elements.hpp>
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
    for_each_element(fields, "Content-Encoding",
                     [&](std::string_view element) { add(list, element); });
    return list;
}

} // namespace weir::http::detail
