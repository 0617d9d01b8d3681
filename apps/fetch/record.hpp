#pragma once

#include "entry.hpp"
#include "spool.hpp"

#include <weir/http/fetch_result.hpp>

#include <memory>
#include <string>

namespace weir_fetch {

/// What is reported about a stored body, in addition to the result.
struct stored {
    std::string sha256;          // empty when not known
    std::string file;            // empty when there is none
    std::string path;            // its path, for --write-out; empty when there is none
    bool skipped = false;        // the URL was not fetched, because the file is there
    std::unique_ptr<spool> held; // a body that is to be printed; null when there is none
};

/// A result as a JSON object on one line, with its line end.
///
/// Shape: every line has the same members, `null` where there is nothing to say:
///        id             of a JSON line
///        line, argument where the URL was read: one of the two
///        hash           of the text there, 16 hex digits
///        url            as it was written
///        final_url      of the last request
///        status         of the last response
///        http_version   "1.1" or "1.0"
///        content_type, content_encoding   as the server sent them
///        error          {class, phase, text} when it failed
///        address        that was tried last, as 192.0.2.1:80 or [2001:db8::1]:80
///        attempts       how many connections and exchanges were tried
///        bytes          of the body, as delivered; `wire_bytes` as they arrived
///        sha256         of the body, as delivered
///        file           where the body was stored: its name in the output directory, or the path
///                       of the file that `--output` or the line names
///        skipped        whether the URL was not fetched because that file was there
///        duplicate_of   {line, argument} of the first that asked for the same: one of the two
///        timings        {queued, dns, connect, tls, first_byte, total} in seconds
///        redirects      how many were followed
std::string json_line(const weir::http::fetch_result& result, const entry& what,
                      const stored& where);

} // namespace weir_fetch
