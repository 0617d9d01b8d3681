#pragma once

#include <string>
#include <string_view>

namespace weir_fetch {

/// `--proto-default`: a URL with its scheme, which is `scheme` where it has none: `example.com/a`,
/// `user@example.com`, `//example.com/a`. What is no URL stays as it is.
std::string with_scheme(std::string_view url, std::string_view scheme);

} // namespace weir_fetch
