#pragma once

#include <weir/http/decoding_options.hpp>
#include <weir/http/headers.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace weir::http::detail {

/// A content coding that can be undone.
enum class content_coding { gzip, deflate, br, zstd };

std::string_view name(content_coding which) noexcept;

/// What a request says that asks for all of them.
inline constexpr std::string_view accepted_codings = "gzip, deflate, br, zstd";

/// The Accept-Encoding of a request with these fields; empty for none. A request for a part of a
/// body (Range) wants it as it is: the part of an encoded one could not be decoded. One that has an
/// Accept-Encoding of its own does not get another.
std::string_view codings_to_ask_for(const headers& fields, const decoding_options& how) noexcept;

/// What a response's Content-Encoding says, without `identity`, which is no coding.
struct coding_list {
    /// In the order in which they were applied; only the known ones.
    std::vector<content_coding> codings;
    /// Whether there are others.
    bool unknown = false;
    /// All of them as they were written, separated by a comma and a blank.
    std::string text;
};

/// Reads all Content-Encoding fields as one list. `x-gzip` is gzip; case does not matter.
///
/// Source: RFC 9110 sections 8.4, 8.4.1 and 5.6.1 (empty elements are skipped).
coding_list codings_of(const headers& fields);

} // namespace weir::http::detail
