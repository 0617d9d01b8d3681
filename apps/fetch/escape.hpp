#pragma once

#include <string>
#include <string_view>

namespace weir_fetch {

/// A text as it may go to a terminal and into a tab-separated line: control characters, bytes that
/// are no UTF-8, marks that change the direction of writing, and the backslash become `\xHH`.
std::string escaped(std::string_view text);

/// A text as it may go into JSON: bytes that are no UTF-8 become U+FFFD.
std::string as_utf8(std::string_view text);

} // namespace weir_fetch
