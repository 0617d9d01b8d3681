#include "query.hpp"

#include <algorithm>

namespace weir_fetch {

std::string with_query(std::string_view url, std::string_view query)
{
    const auto end = std::min(url.find('#'), url.size());
    std::string out(url.substr(0, end));
    if (!query.empty()) {
        if (out.find('?') == std::string::npos)
            out += '?';
        else if (!out.ends_with('?') && !out.ends_with('&'))
            out += '&';
        out += query;
    }
    out += url.substr(end);
    return out;
}

} // namespace weir_fetch
