#include <weir/http/detail/message_framing.hpp>

#include <weir/http/detail/list_elements.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::http::detail {
namespace {

struct content_length {
    std::size_t times = 0;
    std::uint64_t bytes = 0;
    bool differs = false;
    bool bad = false;
};

content_length length_in(const headers& fields)
{
    content_length all;
    for_each_element(fields, "Content-Length", [&](std::string_view element) {
        const auto bytes = read_length(element);
        all.bad = all.bad || !bytes;
        all.differs = all.differs || (all.times > 0 && bytes.value_or(0) != all.bytes);
        all.bytes = bytes.value_or(0);
        ++all.times;
    });
    return all;
}

bool keeps_alive(bool http11, const headers& fields)
{
    bool close = false;
    bool keep = false;
    for_each_element(fields, "Connection", [&](std::string_view option) {
        close = close || same_token(option, "close");
        keep = keep || same_token(option, "keep-alive");
    });
    return !close && (http11 || keep);
}

bool has_no_body(std::string_view method, unsigned status)
{
    return method == "HEAD" || status == 204 || status == 304;
}

} // namespace

result<message_framing> framing_of(std::string_view method, const status_line& first,
                                   const headers& fields)
{
    if (method == "CONNECT" && first.status / 100 == 2)
        return message_framing(); // whatever it says of a length: what follows is the tunnel's
    const std::size_t codings = fields.count("Transfer-Encoding");
    const auto coding = codings > 0 ? fields["Transfer-Encoding"] : std::string_view();
    if (codings > 0 && (codings > 1 || !same_token(coding, "chunked")))
        return failure(error_class::protocol,
                       "the transfer encoding of the response is not known: " +
                           std::string(coding));
    const content_length length = length_in(fields);
    if (length.bad)
        return invalid("its Content-Length is not a number of bytes");
    if (length.differs)
        return invalid("it has two different lengths");
    if (codings > 0 && length.times > 0)
        return invalid("it has a Content-Length and is chunked");
    message_framing framing;
    framing.keep_alive = keeps_alive(first.http11, fields);
    if (length.times > 1 || (codings > 0 && !first.http11))
        framing.keep_alive = false;
    using end = message_framing::end;
    if (has_no_body(method, first.status))
        framing.body = end::none;
    else if (codings > 0)
        framing.body = end::chunked;
    else if (length.times > 0)
        framing.body = length.bytes == 0 ? end::none : end::length;
    else
        framing.keep_alive = false;
    framing.length = length.bytes;
    return framing;
}

} // namespace weir::http::detail
