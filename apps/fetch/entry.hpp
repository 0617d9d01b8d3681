#pragma once

#include "line_request.hpp"

#include <weir/http/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir_fetch {

/// Where a URL was read: the line of the input, or the argument of the command line.
struct place {
    enum class source { line, argument };

    source from = source::line;
    std::uint64_t number = 0; // from 1; 0 when not known

    /// `line 7`, `argument 2`.
    std::string text() const;
};

/// A line of the input, or an argument, as its parts.
struct entry {
    place at;
    std::string text;    // as it was read
    std::string url;     // what it asks for; as the text where that is not understood
    std::string id;      // of a JSON line, as JSON: a string or a number; empty when there is none
    line_request own;    // of a JSON line
    std::string fault;   // why it cannot be fetched; empty otherwise
    bool is_cut = false; // its end was dropped, because it is too long
    std::optional<place> first; // of a duplicate: what asked for the same before
};

/// How an entry goes through the fetcher: its place stands in front of its text.
std::string tagged(const place& at, std::string_view text, bool is_cut);

/// A tagged text, marked as a duplicate.
std::string tagged_duplicate(std::string_view tagged, const place& first);

/// The parts of a tagged text.
///
/// Shape: a URL, or a JSON object `{"url": "...", "id": "..."}`, which may say what is sent and
///        where the body goes (`line_request`). A URL has a scheme, or a host with a dot or a port,
///        or the host `localhost`: other words are no URLs that somebody meant.
entry read_entry(std::string_view tagged);
/// What it asks for itself, for each request anew: where the text is a URL, nothing is read.
line_request own_request(std::string_view tagged);

/// The URL of an entry; class bad_url when it has a `fault`, and when it is a duplicate.
weir::http::result<std::string> url_of(const entry& what);

/// A hash, by which a text that has changed is noticed.
///
/// Source: FNV-1a of 64 bits.
std::uint64_t hash_of(std::string_view text) noexcept;

} // namespace weir_fetch
