#include <weir/http/continuation.hpp>

#include <weir/http/detail/content_coding.hpp>
#include <weir/http/detail/message_lines.hpp>
#include <weir/http/error.hpp>

#include <cassert>
#include <string>
#include <utility>

namespace weir::http {
namespace {

bool has_coding(const headers& fields)
{
    return !detail::codings_of(fields).text.empty();
}

bool broke_off(const response& answer)
{
    return answer.error && (answer.error->kind() == error_class::incomplete ||
                            answer.error->kind() == error_class::timeout);
}

/// One range, to the end of a body whose length is `length`, if that is known.
bool reaches_end(const content_range& part, std::optional<std::uint64_t> length)
{
    if (length && part.length && *length != *part.length)
        return false;
    const auto whole = length ? length : part.length;
    return whole && part.last && *part.last + 1 == *whole;
}

} // namespace

std::optional<content_range> parse_content_range(std::string_view text)
{
    constexpr std::string_view unit = "bytes ";
    text = detail::trimmed(text);
    const auto slash = text.find('/');
    if (!same_token(text.substr(0, unit.size()), unit) || slash == std::string_view::npos)
        return std::nullopt;
    const auto range = text.substr(unit.size(), slash - unit.size());
    const auto whole = text.substr(slash + 1);
    content_range is;
    if (whole != "*") {
        is.length = detail::read_length(whole);
        if (!is.length)
            return std::nullopt;
    }
    if (range == "*")
        return is.length ? std::optional(is) : std::nullopt;
    const auto dash = range.find('-');
    if (dash == std::string_view::npos)
        return std::nullopt;
    is.first = detail::read_length(range.substr(0, dash));
    is.last = detail::read_length(range.substr(dash + 1));
    if (!is.first || !is.last || *is.last < *is.first || (is.length && *is.last >= *is.length))
        return std::nullopt;
    return is;
}

continuation::continuation(validators seen, std::optional<std::uint64_t> length)
    : seen_(std::move(seen)), length_(length)
{
}

std::optional<continuation> continuation::of(const request& asked, const response& broken,
                                             std::chrono::sys_seconds now)
{
    const headers& fields = broken.fields;
    if (asked.method() != "GET" || asked.fields().count("Range") != 0 || broken.status != 200 ||
        !broke_off(broken) || has_coding(fields) ||
        same_token(detail::trimmed(fields["Accept-Ranges"]), "none"))
        return std::nullopt;
    validators seen(fields, now);
    if (seen.strong().empty())
        return std::nullopt;
    return continuation(std::move(seen), detail::read_length(fields["Content-Length"]));
}

request continuation::ask(const request& asked, std::uint64_t offset) const
{
    assert(offset != 0);
    request next(asked);
    next.header("Range", "bytes=" + std::to_string(offset) + "-");
    next.header("If-Range", seen_.strong());
    return next;
}

continuation::answer continuation::judge(const response& head, std::uint64_t offset,
                                         std::chrono::sys_seconds now) const
{
    if (head.status == 200)
        return answer::all;
    const auto part = parse_content_range(head.fields["Content-Range"]);
    if (!part || head.fields.count("Content-Range") != 1)
        return answer::other;
    if (head.status == 416) // where only the last chunk was missing
        return !part->first && part->length == offset && (!length_ || *length_ == offset)
                   ? answer::complete
                   : answer::other;
    const auto says = detail::read_length(head.fields["Content-Length"]);
    const bool is_rest = head.status == 206 && part->first == offset &&
                         (!says || *says == *part->last - offset + 1) &&
                         reaches_end(*part, length_) && !has_coding(head.fields) &&
                         seen_.same_bytes(validators(head.fields, now));
    return is_rest ? answer::rest : answer::other;
}

} // namespace weir::http
