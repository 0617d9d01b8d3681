#pragma once

#include <weir/http/headers.hpp>
#include <weir/http/request.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace weir::http {

/// What a response said about the state that it shows: compare it with that of a later response, or
/// send it along so that the server does.
///
/// Source: RFC 9110 section 8.8.
class validators {
public:
    validators() = default;

    /// Those of a response with these fields. An ETag or a date that is not written as it must be
    /// does not count. `now` is the time of the wall clock, see `parse_date`.
    validators(const headers& fields, std::chrono::sys_seconds now);

    /// As it was sent: `"abc"`, or `W/"abc"` for a weak one; empty when there was none.
    const std::string& etag() const noexcept { return etag_; }
    /// The date in Last-Modified, as it was sent; empty when there was none.
    const std::string& last_modified() const noexcept { return last_modified_; }

    /// What stands for these bytes and no others: a strong ETag, else a Last-Modified that is 60
    /// seconds older than the response's Date or more. Empty when there is neither.
    ///
    /// Source: RFC 9110 sections 8.8.1 and 8.8.2.2. It asks for "enough difference" where the dates
    ///         may be of two clocks; the 60 seconds are those of RFC 7232.
    std::string_view strong() const noexcept;

    /// Whether another response has the same strong validator, so that parts of both belong
    /// together.
    bool same_bytes(const validators& other) const noexcept;

private:
    bool has_strong_etag() const noexcept { return etag_.starts_with('"'); }

    std::string etag_;
    std::string last_modified_;
    bool date_is_strong_ = false;
};

/// Asks for the response only if it has changed since `seen`; otherwise the answer is 304, without
/// a body. Returns false, and asks for nothing, when `seen` holds nothing to compare.
///
/// Shape: adds If-None-Match for an ETag, If-Modified-Since for a date; for both, both: the first
///        counts, and old servers know the second. They replace earlier ones.
/// Source: RFC 9110 sections 13.1.2 and 13.1.3, RFC 9111 section 4.3.1.
bool only_if_changed(request& what, const validators& seen);

/// Has the request carried out only if nothing has changed since `seen`; otherwise the answer is
/// 412. So what others did meanwhile is not overwritten. Returns false, and adds nothing, when
/// `seen` has no strong validator.
///
/// Shape: adds If-Match for a strong ETag, else If-Unmodified-Since, in place of earlier
///        ones.
/// Source: RFC 9110 sections 13.1.1 and 13.1.4.
bool only_if_unchanged(request& what, const validators& seen);

} // namespace weir::http
