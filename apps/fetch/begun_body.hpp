#pragma once

#include "file_identity.hpp"

#include <weir/http/continuation.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace weir_fetch {

/// What must be known of a body that broke off to fetch its rest.
struct begun_body {
    std::string url;           // that was asked for
    std::string request;       // what was sent with it: `fingerprint_of`
    std::string output;        // the name that its line asked for; empty: from the URL
    std::string final_url;     // that answered
    std::string part;          // the name of the file that holds its beginning
    file_identity file;        // that it was then
    std::string boot;          // the start of the system since when nothing written was lost
    std::string etag;          // a strong validator: this,
    std::string last_modified; // or this
    std::optional<std::uint64_t> length;
};

/// A shorter body is sooner fetched than written down.
constexpr std::uint64_t least_begun = 64 * 1024;

/// What is known of a body when the header of its answer has come, except for the file. Nothing
/// when it is short, or could not be continued.
std::optional<begun_body> begun(const weir::http::request& asked, const weir::http::response& head,
                                std::chrono::sys_seconds now);

/// Names what a request sends besides its URL, for what answers one may not answer another: users,
/// cookies, languages. 64 bits of a SHA-256, from which no password can be told.
std::string fingerprint_of(const weir::http::request& what);

/// The rule by which its rest is fetched; nothing when the request is none that can have it.
std::optional<weir::http::continuation>
rest_of(const begun_body& what, const weir::http::request& asked, std::chrono::sys_seconds now);

/// Names the time since the system was started: until then, what a program has written is there,
/// even if that was killed. Empty when it is not known.
const std::string& boot_id();

/// As a line of the journal.
std::string journal_text(const begun_body& what);

} // namespace weir_fetch
