#pragma once

#include "entry.hpp"
#include "options.hpp"
#include "requests.hpp"
#include "schemes.hpp"
#include "seen_requests.hpp"

#include <weir/http/url.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace weir_fetch {

/// `--dedupe`: which entries ask for what an earlier one has asked for.
///
/// Shape: requests are the same when their URLs are, as they would be sent (case of the host,
///        default port, dot segments, no fragment), and the users in them, and what JSON lines send
///        besides (`requests::difference`). Where their bodies go does not count. What cannot be
///        asked for is never a duplicate.
/// Errors: throws `input_fault` when what was seen cannot be stored.
class duplicates {
public:
    /// `chosen` outlives this.
    explicit duplicates(const options& chosen);

    /// Notes an entry, and returns the place of the first that asked for the same; nothing when it
    /// is the first.
    std::optional<place> first_of(const entry& what);
    /// The same for a tagged text: it is returned with a mark when it is a duplicate.
    std::string marked(std::string_view text);

private:
    seen_requests seen_;
    requests requests_;
    weir::http::dot_segments dots_;
    schemes allowed_;
};

} // namespace weir_fetch
