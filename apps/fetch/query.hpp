#pragma once

#include <string>
#include <string_view>

namespace weir_fetch {

/// A URL with more in its query, behind what is there: `http://host/?a=b` and `c=d` make
/// `http://host/?a=b&c=d`. The fragment stays at the end.
std::string with_query(std::string_view url, std::string_view query);

} // namespace weir_fetch
