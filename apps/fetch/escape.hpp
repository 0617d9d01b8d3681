#pragma once

#include <string>
#include <string_view>

namespace weir_fetch {

/// Makes a text safe for a terminal and for a tab-separated line. Control characters, bytes that
/// are not UTF-8, marks that change the writing direction, and the backslash become `\xHH`.
std::string escaped(std::string_view text);

/// Appends a text as a JSON string, between quotation marks. Bytes that are not UTF-8 become
/// U+FFFD, and what a terminal obeys is escaped.
void append_json(std::string& out, std::string_view text);

} // namespace weir_fetch
