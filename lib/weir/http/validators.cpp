#include <weir/http/validators.hpp>

#include <weir/http/date.hpp>
#include <weir/http/detail/message_lines.hpp>

#include <algorithm>

namespace weir::http {
namespace {

/// Source: RFC 9110 section 8.8.3.
bool is_entity_tag(std::string_view text)
{
    if (text.starts_with("W/"))
        text.remove_prefix(2);
    if (text.size() < 2 || text.front() != '"' || text.back() != '"')
        return false;
    text = text.substr(1, text.size() - 2);
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > ' ' && byte != '"' && byte != 0x7f;
    });
}

} // namespace

validators::validators(const headers& fields, std::chrono::sys_seconds now)
{
    constexpr std::chrono::seconds clearly_older(60);
    const auto tag = detail::trimmed(fields["ETag"]);
    if (is_entity_tag(tag))
        etag_ = tag;
    const auto modified_text = detail::trimmed(fields["Last-Modified"]);
    const auto modified = parse_date(modified_text, now);
    if (!modified)
        return;
    last_modified_ = modified_text;
    const auto sent = parse_date(detail::trimmed(fields["Date"]), now);
    date_is_strong_ = sent && *sent - *modified >= clearly_older;
}

std::string_view validators::strong() const noexcept
{
    if (has_strong_etag())
        return etag_;
    // Beside a weak ETag the server says itself that the bytes may differ.
    if (etag_.empty() && date_is_strong_)
        return last_modified_;
    return {};
}

bool validators::same_bytes(const validators& other) const noexcept
{
    return !strong().empty() && strong() == other.strong();
}

bool only_if_changed(request& what, const validators& seen)
{
    what.remove_header("If-None-Match").remove_header("If-Modified-Since");
    if (!seen.etag().empty())
        what.header("If-None-Match", seen.etag());
    if (!seen.last_modified().empty())
        what.header("If-Modified-Since", seen.last_modified());
    return !seen.etag().empty() || !seen.last_modified().empty();
}

bool only_if_unchanged(request& what, const validators& seen)
{
    what.remove_header("If-Match").remove_header("If-Unmodified-Since");
    const auto strong = seen.strong();
    if (strong.empty())
        return false;
    what.header(strong == seen.etag() ? "If-Match" : "If-Unmodified-Since", strong);
    return true;
}

} // namespace weir::http
