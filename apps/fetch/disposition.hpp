#pragma once

#include <string>
#include <string_view>

namespace weir_fetch {

/// The name of a file that a Content-Disposition header gives; empty when it gives none.
///
/// Shape: `filename*` goes before `filename`. Bytes that are not ASCII are percent-encoded, as
///        those of a URL are. Otherwise it is as the server sent it, a path too: see `safe_name`.
/// Source: RFC 6266 and RFC 8187. Departs from them where a value with blanks has no quotation
///         marks: it ends at the next semicolon, as browsers read it.
std::string disposition_name(std::string_view value);

} // namespace weir_fetch
